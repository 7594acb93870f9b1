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
