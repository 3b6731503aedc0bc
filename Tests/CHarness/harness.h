/*
 * harness.h - what the parts of the harness share.
 *
 * describe.c  what nepit.h says of each function, read from build/contract.txt
 * call.c      calls: direct ones through calls.h, and through libffi
 * dtype.c     elements of any type, and bits to compare
 * watch.c     stands between the library and malloc, mmap and pthread_create
 * vectors.c   Tests/Vectors, every function called both ways
 * trial.c     one random call with guard pages around its arrays, and what is checked in every call
 * objects.c   objects: made, filled, saved and loaded, so that a call can be repeated on the same one
 * contract.c  every function against its contract
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "nepit.h"

#if defined(__has_feature)
#define ADDRESS_SANITIZER __has_feature(address_sanitizer)
#define THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#define ADDRESS_SANITIZER 0
#define THREAD_SANITIZER 0
#endif

#define MAX_PARAMETERS 16
#define MAX_NAME 96

/* ------------------------------------------------------------ description */

enum kind {
    ARRAY, MUTABLE, NUMBER, BASE, COUNT, EXECUTION, DOUBLES, INT32S, STATUS, LABELS, INT64S, CHOICE, RECORD,
    OBJECT, MADE, SUMMARY, BYTES, SIZES
};
enum { MAX_FIELDS = 12, MAX_RECORD = 128 };

typedef struct {                    /* of a RECORD, its size apart */
    char name[MAX_NAME];
    enum { A_DOUBLE, AN_INT64, AN_INT32 } type;
    size_t offset;
    double low, high;
    bool low_closed, high_closed;
} field;

typedef struct {
    char name[MAX_NAME];
    enum kind kind;
    bool out, optional;
    int place;                      /* of an output: which input's memory it may be, or -1 */
    size_t record_size;             /* of a RECORD or SUMMARY */
    int field_count;
    field fields[MAX_FIELDS];
    double low, high;               /* of NUMBER, COUNT and CHOICE */
    bool changes;                   /* of OBJECT: the call may change it */
    bool is_floating;               /* of ARRAY: it takes no integers */
    bool low_closed, high_closed;
    char extent[2][MAX_NAME];       /* "rows", "cols", "members", "rows/members", "12"; empty where there is none */
    char pointee[MAX_NAME];         /* of OBJECT, MADE and SUMMARY: the type */
} parameter;

typedef struct {
    char name[MAX_NAME], section[MAX_NAME];
    bool returns_string, returns_nothing;
    bool allocates;
    unsigned statuses;              /* bit n: the comment names the status -n */
    int count;
    parameter parameters[MAX_PARAMETERS];
} function;

typedef struct {
    int count;
    function *functions;
} description;

description read_description(const char *path);
const function *find_function(const description *all, const char *name);
const char *status_name(int32_t status);

/** Prints what is wrong and leaves the process with status 2: the call or a file was wrong, not the library. */
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Whether an array is read: ARRAY or LABELS. */
static inline bool is_read(const parameter *p) { return p->kind == ARRAY || p->kind == LABELS; }
/** Puts a number into a record's field. */
void put_field(unsigned char *record, const field *which, double x);

/* ------------------------------------------------------------------ calls */

typedef union {
    nepit_array array;
    nepit_mutable_array mutable;
    double number;
    size_t count;
    const nepit_execution *execution;
    void *pointer;                  /* all else */
    int32_t status;                 /* STATUS and CHOICE */
} value;

typedef void (*any_function)(void);

void *open_library(const char *path);           /* and uses it */
void use_library(void *opened);                 /* for all that follows */
void *library_in_use(void);
any_function find_symbol(const char *name);     /* NULL if the library has none */

/** By the header's prototype; false if calls.h has no row for it. */
bool call_directly(const function *f, const value *values, int32_t *status);
/** As a foreign language calls: every type described at run time, records by value. */
int32_t call_through_ffi(const function *f, any_function symbol, value *values);
const char *string_through_ffi(const function *f, any_function symbol, value *values);

/** What a monitor made by libffi saw in a call. */
typedef struct {
    int cancel_at;                  /* the call that cancels, from 1; 0: none */
    uint32_t caller_mxcsr;          /* what it should find */
    int calls;
    double last;
    const char *wrong;              /* what the library did wrong, or NULL */
} monitored;

nepit_monitor ffi_monitor(void);
void expect_monitor(monitored *state, int cancel_at, uint32_t caller_mxcsr);

/* --------------------------------------------------------------- elements */

size_t dtype_size(nepit_dtype dtype);
bool dtype_is_float(nepit_dtype dtype);
const char *dtype_name(nepit_dtype dtype);
nepit_dtype dtype_named(const char *name);      /* 0 if there is none */
/** Stores x, rounded to nearest and, in an integer, clamped. */
void put_element(void *at, nepit_dtype dtype, double x);
/** The element's bits, with every NaN made the same. */
uint64_t element_bits(const void *at, nepit_dtype dtype);
/** An element of a floating-point type, exactly. */
double float_value(const void *at, nepit_dtype dtype);

uint64_t double_bits(double x);                 /* with every NaN 0x7ff8000000000000 */

#define FNV_START UINT64_C(0xcbf29ce484222325)
uint64_t fnv1a(uint64_t digest, uint64_t bits, int bytes);  /* the low bytes of bits, least significant first */

/* ----------------------------------------------- floating-point environment */

#if defined(__x86_64__)
#include <immintrin.h>
static inline uint32_t get_mxcsr(void) { return _mm_getcsr(); }
static inline void set_mxcsr(uint32_t value) { _mm_setcsr(value); }
static inline uint16_t get_x87(void) {
    uint16_t word;
    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
}
#else
#error "the harness knows the floating-point environment of x86-64 alone"
#endif
#define DEFAULT_MXCSR 0x1f80u

/* ------------------------------------------------------------------ watch */

typedef struct {
    int allocations, failed;        /* asked for, and refused */
    size_t most;                    /* the most bytes held at once */
    long live;                      /* allocations not given back */
    int threads, ended, refused;    /* threads asked for, that ended, that were not made */
    int unmasked;                   /* threads that some signal could have interrupted */
} watched;

enum { REFUSE_NOTHING, REFUSE_MEMORY, REFUSE_THREADS };
/** Refuses so many requests from the from-th on, which is counted from 0. */
void watch_start(int refuse, int from, int count);
watched watch_stop(void);

/* ------------------------------------------------------------------ modes */

typedef struct {
    const char *only;               /* one function, or NULL */
    long calls;                     /* of each function */
    uint64_t seed;
    int jobs;                       /* processes at once */
    int problems;                   /* after which a function is left */
    bool default_environment;       /* contract: no other floating-point environment */
    bool verbose;
    bool bare;                      /* vectors: print digests and compare them with none */
} options;

/* Objects (objects.c). */
void prepare_objects(const description *all);
void *new_object(const char *type, size_t cols);    /* the rest as the least that is allowed, but for `top`, 10 */
void destroy_object(const char *type, void *object);

int run_vectors(const description *all, const options *how, int count, char **paths);
int run_contract(const description *all, const options *how);

#endif
