/** Waiting for the browser to have painted what the document holds now. */

/**
 * Resolves in the task after the next frame: an animation frame is called before its paint, so the
 * task that it posts runs after it. A page that nobody sees is not painted, and not waited for.
 */
export function painted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
  const unseen = (): void => {
    if (document.hidden) resolve();
  };
  document.addEventListener("visibilitychange", unseen, { once: true });
  unseen();
  return promise;
}

/** However long a browser takes to say that it has painted, the page starts after this. */
const patienceMs = 500;

/**
 * Resolves when the first paint with content is on the screen. A frame's paint goes on in other
 * threads after its task has ended, and a script that starts meanwhile takes their cores.
 */
export function presented(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const observer = new PerformanceObserver((list) => {
    if (list.getEntriesByName("first-contentful-paint").length > 0) resolve();
  });
  observer.observe({ type: "paint", buffered: true });
  const unseen = (): void => {
    if (document.hidden) resolve();
  };
  document.addEventListener("visibilitychange", unseen, { once: true });
  unseen();
  setTimeout(resolve, patienceMs);
  return promise.finally(() => observer.disconnect());
}
