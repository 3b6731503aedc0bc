/*
 * calls.c - what a call from C costs, call included, on data that stay in cache.
 *
 *     calls ROUNDS [PATTERN]     PATTERN: part of a row's name
 *
 * Implementations take turns, ROUNDS times; a turn is a batch long enough for
 * the clock. Prints one JSON object a line: a head, then for each row the
 * nanoseconds of a call in each round and the relative difference of each
 * result from Nepit's.
 */
#define _GNU_SOURCE
#include <math.h>
#include <nepit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loops.h"

uint64_t limit_read(const char *data, size_t bytes);
const char *limit_isa(void);

enum { LARGEST = 4096, MAX_ROUNDS = 100000 };
static const double BATCH = 30e3; /* nanoseconds */

typedef struct {
    const void *p, *q;
    size_t n, size; /* size of an element */
} data;

typedef double (*loop_f64)(const double *, const double *, size_t);
typedef double (*loop_f32)(const float *, const float *, size_t);

typedef struct {
    const char *name;
    int inputs;
    nepit_status (*one)(nepit_array, double, const nepit_execution *, double *);
    nepit_status (*two)(nepit_array, nepit_array, double, const nepit_execution *, double *);
    loop_f64 plain_f64, fast_f64;
    loop_f32 plain_f32, fast_f32;
} measure;

static nepit_status jensen_shannon(nepit_array p, nepit_array q, double base, const nepit_execution *execution,
                                   double *out) {
    return nepit_jensen_shannon_divergence(p, q, 0.5, base, execution, out);
}

static const measure measures[] = {
    {"entropy", 1, nepit_entropy, NULL, entropy_plain_f64, entropy_fast_f64, entropy_plain_f32, entropy_fast_f32},
    {"cross_entropy", 2, NULL, nepit_cross_entropy, cross_entropy_plain_f64, cross_entropy_fast_f64,
     cross_entropy_plain_f32, cross_entropy_fast_f32},
    {"kl_divergence", 2, NULL, nepit_kl_divergence, kl_divergence_plain_f64, kl_divergence_fast_f64,
     kl_divergence_plain_f32, kl_divergence_fast_f32},
    {"jensen_shannon_divergence", 2, NULL, jensen_shannon, jensen_shannon_plain_f64, jensen_shannon_fast_f64,
     jensen_shannon_plain_f32, jensen_shannon_fast_f32},
};

enum { NEPIT, LOOP_PLAIN, LOOP_FAST, LIMIT, KINDS };
static const char *const kinds[KINDS] = {"nepit", "C loop, log", "C loop, vector log", "limit"};

/* Called through a pointer that the compiler cannot see through, so that no batch is folded into one call. */
static double call(int kind, const measure *m, const data *d) {
    double out = NAN;
    if (kind == NEPIT) {
        nepit_dtype dtype = d->size == 8 ? NEPIT_F64 : NEPIT_F32;
        nepit_status status = m->inputs == 1 ? m->one(nepit_rows(d->p, 1, d->n, dtype), NEPIT_E, NULL, &out)
                                             : m->two(nepit_rows(d->p, 1, d->n, dtype),
                                                      nepit_rows(d->q, 1, d->n, dtype), NEPIT_E, NULL, &out);
        if (status != NEPIT_OK) {
            fprintf(stderr, "calls: %s: %s\n", m->name, nepit_status_message(status));
            exit(1);
        }
    } else if (kind == LIMIT) {
        uint64_t sum = limit_read(d->p, d->n * d->size);
        if (m->inputs == 2) sum += limit_read(d->q, d->n * d->size);
        out = (double)sum;
    } else if (d->size == 8) {
        out = (kind == LOOP_PLAIN ? m->plain_f64 : m->fast_f64)(d->p, d->q, d->n);
    } else {
        out = (kind == LOOP_PLAIN ? m->plain_f32 : m->fast_f32)(d->p, d->q, d->n);
    }
    return out;
}

static double (*volatile opaque_call)(int, const measure *, const data *) = call;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double batch(int kind, const measure *m, const data *d, int calls) {
    double (*f)(int, const measure *, const data *) = opaque_call;
    double start = now();
    for (int k = 0; k < calls; k++) f(kind, m, d);
    return (now() - start) / calls;
}

static void row(const measure *m, const data *d, int rounds, const char *pattern, double *samples) {
    char name[96];
    snprintf(name, sizeof name, "%s f%zu n=%zu, from C", m->name, 8 * d->size, d->n);
    if (pattern && !strstr(name, pattern)) return;
    double results[KINDS];
    int calls[KINDS];
    for (int kind = 0; kind < KINDS; kind++) {
        results[kind] = call(kind, m, d);
        calls[kind] = 1;
        while (batch(kind, m, d, calls[kind]) * calls[kind] < BATCH && calls[kind] < 1 << 20) calls[kind] *= 2;
    }
    for (int round = 0; round < rounds; round++)
        for (int turn = 0; turn < KINDS; turn++) {
            int kind = (turn + round) % KINDS;
            batch(kind, m, d, calls[kind] / 4 + 1); /* into the cache again */
            samples[kind * rounds + round] = batch(kind, m, d, calls[kind]);
        }
    printf("{\"name\": \"%s\", \"isa\": \"%s\", \"bytes\": %zu", name, nepit_isa(),
           d->n * d->size * (size_t)m->inputs);
    printf(", \"n\": %zu, \"samples\": {", d->n);
    for (int kind = 0; kind < KINDS; kind++) {
        printf("%s\"%s\": [", kind ? ", " : "", kinds[kind]);
        for (int round = 0; round < rounds; round++)
            printf("%s%.2f", round ? ", " : "", samples[kind * rounds + round]);
        printf("]");
    }
    printf("}, \"difference\": {");
    for (int kind = 1; kind < LIMIT; kind++)
        printf("%s\"%s\": %.3g", kind > 1 ? ", " : "", kinds[kind], fabs(results[kind] / results[NEPIT] - 1));
    printf("}}\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 0;
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: calls ROUNDS [PATTERN]\n");
        return 2;
    }
    static _Alignas(64) double p64[LARGEST], q64[LARGEST];
    static _Alignas(64) float p32[LARGEST], q32[LARGEST];
    double *samples = malloc(sizeof(double) * KINDS * (size_t)rounds);
    if (!samples) {
        fprintf(stderr, "calls: no memory\n");
        return 1;
    }
    static const size_t sizes[] = {8, 64, LARGEST};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        uint64_t state = 20260101; /* the seed of the linear congruential generator below */
        double p_total = 0, q_total = 0;
        for (size_t j = 0; j < n; j++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            p_total += p64[j] = (double)(state >> 40) + 1;
            state = state * 6364136223846793005u + 1442695040888963407u;
            q_total += q64[j] = (double)(state >> 40) + 1;
        }
        for (size_t j = 0; j < n; j++) {
            p32[j] = (float)(p64[j] /= p_total);
            q32[j] = (float)(q64[j] /= q_total);
        }
        for (size_t k = 0; k < sizeof measures / sizeof *measures; k++) {
            row(&measures[k], &(data){p32, q32, n, 4}, rounds, argc > 2 ? argv[2] : NULL, samples);
            row(&measures[k], &(data){p64, q64, n, 8}, rounds, argc > 2 ? argv[2] : NULL, samples);
        }
    }
    free(samples);
    return 0;
}
