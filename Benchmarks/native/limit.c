/*
 * limit.c - how fast this machine moves the bytes that a measure reads and writes.
 *
 * limit_pass reads some buffers and writes others with as many threads as the
 * measure may use and returns the median time of a pass. The threads are made
 * once a call and meet at a spinning barrier, so what is measured is the
 * machine, not the making of threads.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { MAX_THREADS = 64, MAX_BUFFERS = 8 };

/* Integer additions: a floating-point sum of bytes that are no doubles may meet
 * subnormals, which cost extra on some processors. */

static uint64_t read_plain(const char *data, size_t bytes) {
    uint64_t sum = 0;
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        uint64_t word;
        memcpy(&word, data + i, 8);
        sum += word;
    }
    return sum;
}

static void write_plain(char *data, size_t bytes, uint64_t value) {
    for (size_t i = 0; i + 8 <= bytes; i += 8) memcpy(data + i, &value, 8);
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static uint64_t read_avx512(const char *data, size_t bytes) {
    __m512i a[8];
    for (int k = 0; k < 8; k++) a[k] = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + 512 <= bytes; i += 512)
#pragma GCC unroll 8
        for (int k = 0; k < 8; k++) a[k] = _mm512_add_epi64(a[k], _mm512_loadu_si512(data + i + 64 * (size_t)k));
    for (int k = 1; k < 8; k++) a[0] = _mm512_add_epi64(a[0], a[k]);
    return (uint64_t)_mm512_reduce_add_epi64(a[0]) + read_plain(data + i, bytes - i);
}

__attribute__((target("avx2"))) static uint64_t read_avx2(const char *data, size_t bytes) {
    __m256i a[8];
    for (int k = 0; k < 8; k++) a[k] = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 256 <= bytes; i += 256)
#pragma GCC unroll 8
        for (int k = 0; k < 8; k++)
            a[k] = _mm256_add_epi64(a[k], _mm256_loadu_si256((const __m256i *)(data + i + 32 * (size_t)k)));
    for (int k = 1; k < 8; k++) a[0] = _mm256_add_epi64(a[0], a[k]);
    uint64_t lanes[4];
    memcpy(lanes, &a[0], 32);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3] + read_plain(data + i, bytes - i);
}

__attribute__((target("avx512f"))) static void write_avx512(char *data, size_t bytes, uint64_t value, int around) {
    __m512i v = _mm512_set1_epi64((long long)value);
    size_t i = 0;
    if (around) {
        i = -(uintptr_t)data % 64;
        if (i > bytes) i = bytes;
        write_plain(data, i, value);
        for (; i + 64 <= bytes; i += 64) _mm512_stream_si512((__m512i *)(data + i), v);
        _mm_sfence();
    } else {
        for (; i + 64 <= bytes; i += 64) _mm512_storeu_si512(data + i, v);
    }
    write_plain(data + i, bytes - i, value);
}

__attribute__((target("avx2"))) static void write_avx2(char *data, size_t bytes, uint64_t value, int around) {
    __m256i v = _mm256_set1_epi64x((long long)value);
    size_t i = 0;
    if (around) {
        i = -(uintptr_t)data % 32;
        if (i > bytes) i = bytes;
        write_plain(data, i, value);
        for (; i + 32 <= bytes; i += 32) _mm256_stream_si256((__m256i *)(data + i), v);
        _mm_sfence();
    } else {
        for (; i + 32 <= bytes; i += 32) _mm256_storeu_si256((__m256i *)(data + i), v);
    }
    write_plain(data + i, bytes - i, value);
}
#endif

static int widest(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return 512;
    if (__builtin_cpu_supports("avx2")) return 256;
#endif
    return 64;
}

/* Asked once: a read of a few KiB takes no longer than the question. */
static int width(void) {
    static int known;
    int value = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (!value) __atomic_store_n(&known, value = widest(), __ATOMIC_RELAXED);
    return value;
}

const char *limit_isa(void) {
    return width() == 512 ? "AVX-512" : width() == 256 ? "AVX2" : "64-bit words";
}

uint64_t limit_read(const char *data, size_t bytes) {
#if defined(__x86_64__)
    if (width() == 512) return read_avx512(data, bytes);
    if (width() == 256) return read_avx2(data, bytes);
#endif
    return read_plain(data, bytes);
}

/* around: by stores that go around the caches, which saves reading the lines
 * first and is better for outputs much larger than a cache. */
void limit_write(char *data, size_t bytes, uint64_t value, int around) {
#if defined(__x86_64__)
    if (width() == 512) { write_avx512(data, bytes, value, around); return; }
    if (width() == 256) { write_avx2(data, bytes, value, around); return; }
#endif
    (void)around;
    write_plain(data, bytes, value);
}

typedef struct {
    const char *const *reads;
    const size_t *read_bytes;
    char *const *writes;
    const size_t *write_bytes;
    int read_count, write_count, threads, passes, around;
    double *nanoseconds;
    volatile int arrived;
    volatile int phase;
    volatile uint64_t sink;
} work;

typedef struct {
    work *work;
    int index;
} worker;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void meet(work *w, int *phase) {
    if (w->threads == 1) return;
    *phase += 1;
    if (__sync_add_and_fetch(&w->arrived, 1) == w->threads) {
        w->arrived = 0;
        __sync_synchronize();
        w->phase = *phase;
    } else {
        for (long spins = 0; w->phase != *phase; spins++)
            if (spins > 100000) sched_yield();
    }
    __sync_synchronize();
}

/* The part of a buffer that belongs to one thread, on a boundary of 64 bytes. */
static size_t bound(size_t bytes, int index, int threads) {
    return index == threads ? bytes : bytes / (size_t)threads * (size_t)index / 64 * 64;
}

static void *run(void *pointer) {
    worker *self = pointer;
    work *w = self->work;
    int phase = 0;
    uint64_t sum = 0;
    for (int pass = 0; pass < w->passes; pass++) {
        meet(w, &phase);
        double start = now();
        for (int k = 0; k < w->read_count; k++) {
            size_t from = bound(w->read_bytes[k], self->index, w->threads);
            size_t to = bound(w->read_bytes[k], self->index + 1, w->threads);
            sum += limit_read(w->reads[k] + from, to - from);
        }
        for (int k = 0; k < w->write_count; k++) {
            size_t from = bound(w->write_bytes[k], self->index, w->threads);
            size_t to = bound(w->write_bytes[k], self->index + 1, w->threads);
            limit_write(w->writes[k] + from, to - from, sum, w->around);
        }
        meet(w, &phase);
        if (self->index == 0) w->nanoseconds[pass] = now() - start;
    }
    __sync_add_and_fetch(&w->sink, sum);
    return NULL;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median nanoseconds of a pass, or -1 if the call is wrong or there is no memory. Without a thread the program ends:
 * those that are there would wait for it. */
double limit_pass(int read_count, const char *const *reads, const size_t *read_bytes, int write_count,
                  char *const *writes, const size_t *write_bytes, int threads, int passes, int around) {
    if (threads < 1 || threads > MAX_THREADS || passes < 1 || read_count > MAX_BUFFERS || write_count > MAX_BUFFERS)
        return -1;
    double *nanoseconds = malloc(sizeof(double) * (size_t)passes);
    if (!nanoseconds) return -1;
    work w = {.reads = reads, .read_bytes = read_bytes, .writes = writes, .write_bytes = write_bytes,
              .read_count = read_count, .write_count = write_count, .threads = threads, .passes = passes,
              .around = around, .nanoseconds = nanoseconds};
    pthread_t ids[MAX_THREADS];
    worker workers[MAX_THREADS];
    for (int k = 0; k < threads; k++) workers[k] = (worker){&w, k};
    for (int k = 1; k < threads; k++)
        if (pthread_create(&ids[k], NULL, run, &workers[k]) != 0) {
            fprintf(stderr, "limit: no thread\n");
            exit(1);
        }
    run(&workers[0]);
    for (int k = 1; k < threads; k++) pthread_join(ids[k], NULL);
    qsort(nanoseconds, (size_t)passes, sizeof(double), ascending);
    double median = nanoseconds[passes / 2];
    free(nanoseconds);
    return median;
}

/* Nanoseconds of a read of bytes that stay in a cache: repeats passes between two looks at the clock. */
double limit_cached(const char *data, size_t bytes, int repeats) {
    volatile uint64_t sink = limit_read(data, bytes);
    double start = now();
    for (int k = 0; k < repeats; k++) {
        sink += limit_read(data, bytes);
        __asm__ volatile("" ::: "memory");
    }
    return (now() - start) / repeats;
}
