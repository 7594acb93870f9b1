/* A stand-in for NVIDIA's libnvidia-ml.so.1 with one GPU; signatures as in nvml.h. */
#include <stdio.h>
#include <string.h>

typedef struct device *handle_t;
static int gpu;
static unsigned persistence, power = 300000, lock_low, lock_high;

int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return code == 3 ? "Not Supported" : "Unknown Error"; }
int nvmlSystemGetDriverVersion(char *out, unsigned length) { return snprintf(out, length, "550.54") < 0; }
int nvmlDeviceGetCount_v2(unsigned *out) { *out = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, handle_t *out) {
  *out = (handle_t)&gpu;
  return index == 0 ? 0 : 2;
}
static int known(handle_t h) { return h == (handle_t)&gpu ? 0 : 2; }
int nvmlDeviceGetUUID(handle_t h, char *out, unsigned n) { snprintf(out, n, "GPU-stub"); return known(h); }
int nvmlDeviceGetName(handle_t h, char *out, unsigned n) { snprintf(out, n, "Stub 1"); return known(h); }
int nvmlDeviceGetPersistenceMode(handle_t h, unsigned *out) { *out = persistence; return known(h); }
int nvmlDeviceSetPersistenceMode(handle_t h, int on) { persistence = on; return known(h); }
int nvmlDeviceGetPerformanceState(handle_t h, int *out) { *out = 8; return known(h); }
int nvmlDeviceGetClockInfo(handle_t h, int type, unsigned *out) {
  *out = type == 2 ? 2619 : (lock_low ? lock_low : 210);
  return known(h);
}
int nvmlDeviceGetMaxClockInfo(handle_t h, int type, unsigned *out) { *out = type == 1 ? 1980 : 0; return known(h); }
int nvmlDeviceGetPowerManagementLimit(handle_t h, unsigned *out) { *out = power; return known(h); }
int nvmlDeviceGetPowerManagementDefaultLimit(handle_t h, unsigned *out) { *out = 300000; return known(h); }
int nvmlDeviceGetPowerManagementLimitConstraints(handle_t h, unsigned *low, unsigned *high) {
  *low = 200000;
  *high = 350000;
  return known(h);
}
int nvmlDeviceSetPowerManagementLimit(handle_t h, unsigned milliwatts) { power = milliwatts; return known(h); }
int nvmlDeviceGetTemperature(handle_t h, int sensor, unsigned *out) { *out = 41; return known(h) + sensor; }
int nvmlDeviceGetMigMode(handle_t h, unsigned *now, unsigned *next) { return *now = *next = 0, known(h) ? 2 : 3; }
int nvmlDeviceGetSupportedMemoryClocks(handle_t h, unsigned *count, unsigned *out) {
  if (*count < 2) return 7;
  *count = 2, out[0] = 1593, out[1] = 2619;
  return known(h);
}
int nvmlDeviceGetSupportedGraphicsClocks(handle_t h, unsigned memory, unsigned *count, unsigned *out) {
  if (memory != 2619 || *count < 3) return 7;
  *count = 3, out[0] = 1980, out[1] = 1965, out[2] = 210;
  return known(h);
}
int nvmlDeviceSetGpuLockedClocks(handle_t h, unsigned low, unsigned high) {
  lock_low = low, lock_high = high;
  return known(h);
}
int nvmlDeviceResetGpuLockedClocks(handle_t h) { lock_low = lock_high = 0; return known(h); }
int nvmlDeviceSetMemoryLockedClocks(handle_t h, unsigned low, unsigned high) { return low + high ? 3 : known(h); }
int nvmlDeviceResetMemoryLockedClocks(handle_t h) { return known(h); }
int nvmlDeviceGetCurrentClocksEventReasons(handle_t h, unsigned long long *out) { *out = 0x25; return known(h); }
