/*
 * The C library as Nepit sees it: memory, threads, atomics and the
 * floating-point environment, as inline functions that Swift can call in
 * either build. Nothing else in Sources talks to libc.
 */
#ifndef NEPIT_CSYSTEM_H
#define NEPIT_CSYSTEM_H

/* No _GNU_SOURCE: it would change types that other modules of a program import from libc too. */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#pragma clang assume_nonnull begin

#define CS_INLINE static inline __attribute__((always_inline))

/* ------------------------------------------------------------------ memory */

/* Cache-line aligned memory, or NULL; freed by cs_free. */
CS_INLINE void *_Nullable cs_allocate(size_t bytes) {
    void *memory = NULL;
    return posix_memalign(&memory, 64, bytes) == 0 ? memory : NULL;
}

CS_INLINE void cs_free(void *_Nullable memory) { free(memory); }

/* ----------------------------------------------------------------- threads */

/*
 * glibc moved the threads from libpthread into libc in 2.34 under a new symbol
 * version; bound to the old one, the library loads from 2.17 on. Weak, because
 * before 2.34 a host without libpthread has none: then there are no threads.
 */
#if defined(__x86_64__) && defined(__GLIBC__)
#define CS_OLD(name) __asm__(name "@GLIBC_2.2.5") __attribute__((weak))
#elif defined(__aarch64__) && defined(__GLIBC__)
#define CS_OLD(name) __asm__(name "@GLIBC_2.17") __attribute__((weak))
#else
#define CS_OLD(name) __asm__(name)
#endif
extern int cs_pthread_create(pthread_t *, const pthread_attr_t *_Nullable, void *_Nullable (*_Nonnull)(void *_Nullable),
                             void *_Nullable) CS_OLD("pthread_create");
extern int cs_pthread_join(pthread_t, void *_Nullable *_Nullable) CS_OLD("pthread_join");

/* Starts body(context) with all signals blocked: 0, or an error and nothing has begun. */
CS_INLINE int cs_thread_start(pthread_t *thread, void *_Nullable (*_Nonnull body)(void *_Nullable),
                              void *_Nullable context) {
    if (!cs_pthread_create || !cs_pthread_join) return -1;
    sigset_t all, before;
    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, &before) != 0) return -1;
    int failed = cs_pthread_create(thread, NULL, body, context);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return failed;
}

/* Room for the threads of a loop, on its caller's stack. */
typedef struct cs_threads { pthread_t all[64]; } cs_threads;

CS_INLINE void cs_thread_join(pthread_t thread) { cs_pthread_join(thread, NULL); }

extern int cs_sched_getaffinity(pid_t, size_t, unsigned long *) __asm__("sched_getaffinity");

/* How many processors the calling thread may use; at least 1. */
CS_INLINE int32_t cs_processors(void) {
    unsigned long set[128] = {0}; /* 8192 processors */
    if (cs_sched_getaffinity(0, sizeof set, set) != 0) return 1;
    int32_t count = 0;
    for (size_t i = 0; i < sizeof set / sizeof *set; i++) count += __builtin_popcountl(set[i]);
    return count > 0 ? count : 1;
}

/* ----------------------------------------------------------------- atomics */

CS_INLINE int64_t cs_atomic_load(const int64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
CS_INLINE void cs_atomic_store(int64_t *word, int64_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }
CS_INLINE int64_t cs_atomic_add(int64_t *word, int64_t value) {
    return __atomic_fetch_add(word, value, __ATOMIC_ACQ_REL);
}

/* ------------------------------------------- floating-point environment, CPU */

#if defined(__x86_64__)
/* Round to nearest, all exceptions masked, no flags, denormals kept; gives the value before. */
CS_INLINE uint32_t cs_float_environment_enter(void) {
    uint32_t before, ours = 0x1f80;
    __asm__ volatile("stmxcsr %0" : "=m"(before) : : "memory");
    __asm__ volatile("ldmxcsr %0" : : "m"(ours) : "memory");
    return before;
}
CS_INLINE void cs_float_environment_restore(uint32_t before) {
    __asm__ volatile("ldmxcsr %0" : : "m"(before) : "memory");
}
CS_INLINE void cs_cpuid(uint32_t leaf, uint32_t *a, uint32_t *b, uint32_t *c,
                        uint32_t *d) {
    __asm__ volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(0));
}
/* x86-64 level that this processor and its operating system support: 1, 3 or 4. */
static inline int32_t cs_cpu_level(void) {
    uint32_t a, b, c, d, c1, b7, state, unused;
    cs_cpuid(0, &a, &b, &c, &d);
    if (a < 7) return 1;
    cs_cpuid(0x80000001, &a, &b, &c, &d);
    if (!(c & 1u << 5)) return 1; /* LZCNT, which runs as another instruction where it is missing */
    cs_cpuid(1, &a, &b, &c1, &d);
    const uint32_t wanted = 1u << 12 | 1u << 22 | 1u << 23 | 1u << 27 | 1u << 28 | 1u << 29; /* FMA MOVBE POPCNT OSXSAVE AVX F16C */
    if ((c1 & wanted) != wanted) return 1;
    __asm__ volatile("xgetbv" : "=a"(state), "=d"(unused) : "c"(0));
    cs_cpuid(7, &a, &b7, &c, &d);
    const uint32_t v3 = 1u << 3 | 1u << 5 | 1u << 8;                                  /* BMI1 AVX2 BMI2 */
    const uint32_t v4 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;         /* AVX-512 F DQ CD BW VL */
    if ((state & 0x06) != 0x06 || (b7 & v3) != v3) return 1;
    if ((state & 0xe6) != 0xe6 || (b7 & v4) != v4) return 3;
    return 4;
}
#elif defined(__aarch64__)
CS_INLINE uint32_t cs_float_environment_enter(void) {
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
    return (uint32_t)before;
}
CS_INLINE void cs_float_environment_restore(uint32_t before) {
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)before));
}
static inline int32_t cs_cpu_level(void) { return 1; }
#endif

/* What NEPIT_ISA allows: 1, 3 or 4; 4 if unset or unknown. */
static inline int32_t cs_isa_ceiling(void) {
    const char *name = getenv("NEPIT_ISA");
    if (!name) return 4;
    if (strcmp(name, "x86-64") == 0) return 1;
    if (strcmp(name, "x86-64-v3") == 0) return 3;
    return 4;
}

#pragma clang assume_nonnull end

#endif
