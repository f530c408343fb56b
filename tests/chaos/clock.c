/* A wall clock that jumps, for the processes that load this first (LD_PRELOAD).

   BERTH_CLOCK names a file that holds a double: seconds that are added to the real-time clock of whoever asks. Who
   waits until a moment of that clock waits until the moment that the kernel calls so; the monotonic clock goes on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile double *jump;

__attribute__((constructor)) static void open_clock(void) {
  const char *path = getenv("BERTH_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof(double), PROT_READ, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) jump = mapped;
  close(file);
}

static struct timespec shifted(struct timespec when, double seconds) {
  when.tv_sec += (time_t)seconds;
  return when;
}
static double seconds(void) { return jump ? *jump : 0; }

int clock_gettime(clockid_t clock, struct timespec *now) {
  int answer = syscall(SYS_clock_gettime, clock, now);
  if (!answer && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) *now = shifted(*now, seconds());
  return answer;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

#define NEXT(name) __typeof__(name) *next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
  /* Of a condition on the monotonic clock too, and it cannot be told: only a moment near the jumped clock is moved. */
  NEXT(pthread_cond_timedwait);
  struct timespec now;
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  struct timespec real = until->tv_sec > now.tv_sec / 2 ? shifted(*until, -seconds()) : *until;
  return next(condition, mutex, &real);
}
int pthread_cond_clockwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, clockid_t clock,
                           const struct timespec *restrict until) {
  NEXT(pthread_cond_clockwait);
  struct timespec real = clock == CLOCK_REALTIME ? shifted(*until, -seconds()) : *until;
  return next(condition, mutex, clock, &real);
}
int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
  NEXT(pthread_mutex_timedlock);
  struct timespec real = shifted(*until, -seconds());
  return next(mutex, &real);
}
int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
  NEXT(sem_timedwait);
  struct timespec real = shifted(*until, -seconds());
  return next(semaphore, &real);
}
int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict until) {
  NEXT(sem_clockwait);
  struct timespec real = clock == CLOCK_REALTIME ? shifted(*until, -seconds()) : *until;
  return next(semaphore, clock, &real);
}
