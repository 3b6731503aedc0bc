/*
 * trial.h - one function's random call: its arguments in guarded memory, its reference, and the checks on every call.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include "harness.h"

#include <setjmp.h>

enum {
    ARENA_BYTES = 24 << 20,         /* of one array, guard pages not counted; most pages are never touched */
    PAGE = 4096,
    ANY_ERROR = 1,                  /* a status to expect: any that the comment names, but not NEPIT_OK */
    ANY_STATUS = 2,
    CRASHED = 3,                    /* what make_call returns when there is no status */
};

/* An array argument in an arena. */
typedef struct {
    const parameter *p;
    unsigned char *arena;           /* between two guard pages */
    unsigned char *copy;            /* what the watched bytes should hold after the call */
    unsigned char *plain;           /* the elements, adjacent: of an input its values, of an output the reference */
    bool present;
    nepit_dtype dtype;
    size_t size;                    /* of an element */
    size_t rows, cols;
    ptrdiff_t row_stride, col_stride;
    unsigned char *low;             /* the first byte of the extent, and its length */
    size_t span;
    unsigned char *data;            /* element [0, 0] */
    unsigned char *watch;           /* the extent and the margin */
    size_t watched;
} block;

typedef struct {
    size_t rows, cols, results;     /* results: rows of the outputs called [rows] */
    size_t members;                 /* the value of the COUNT, else 1 */
    bool side_by_side;              /* many rows in columns of floats, of which 16 are read together */
    block blocks[MAX_PARAMETERS];   /* of ARRAY, LABELS, MUTABLE, DOUBLES, INT32S, INT64S */
    value scalars[MAX_PARAMETERS];  /* of NUMBER, BASE, COUNT, CHOICE and STATUS */
    bool has_record;                /* of the RECORD, if it is not NULL */
    unsigned char record[MAX_RECORD];
} trial;

typedef struct {                    /* how to make one call */
    const nepit_execution *execution;
    monitored *monitor;
    uint32_t mxcsr;
    int refuse, refuse_from, refuse_count;
    bool is_distorted;              /* the arrays are not the trial's, but lie within them */
} manner;

extern const manner plainly;        /* this thread, no monitor, the default environment */

/* What one function's process holds. */
extern const function *f;
extern any_function symbol;
extern const options *how_to_run;
extern trial t;
extern uint64_t digest;             /* of the references */
extern watched last_call;          /* what the last call asked for */
extern long calls, faults, monitor_calls, thread_starts;    /* faults: calls that were refused something */
extern int problems;
extern jmp_buf give_up_function;    /* where to go when there are too many */

/* Memory between two pages that cannot be touched. */
unsigned char *guarded(size_t bytes);
void prepare_blocks(void);         /* for the function f; again for each other one */
void catch_crashes(void);

/* Random numbers: SplitMix64's, or made of the bytes that were given as long as there are any. */
void seed_random(uint64_t seed);
uint64_t hold_random(void);         /* what to seed it with to have the same numbers again */
void give_bytes(const unsigned char *bytes, size_t count);
uint64_t next(void);
size_t below(size_t n);
bool chance(size_t n);              /* one in n */
double unit(void);                  /* in [0, 1) */
void fill_random(unsigned char *at, size_t bytes);
#define PICK(array) ((array)[below(sizeof(array) / sizeof *(array))])
uint32_t strange_mxcsr(void);

/* What is being done, for the message; and the message when it goes wrong. */
void now(const char *format, ...) __attribute__((format(printf, 1, 2)));
void problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Objects (objects.c). A trial's object is bytes: each call works on one that is loaded from them. */
#define LOADED ((void *)1)          /* in a call's values: an object loaded for it */
bool has_object(void);
void choose_objects(void);
void alter_objects(void);           /* into what loads, though nobody has saved it */
void load_objects(value *values);
void finish_objects(const value *values, int32_t status, long live);
void refer_objects(void);
void compare_objects(void);
void object_trial(void);            /* of a function without arrays */
int32_t altered_trial(void);        /* of one, with altered objects; and its like, which must come to the same */
void agree_altered(int32_t status);

bool is_block(const parameter *p);
bool fits(const parameter *p, double x);
bool fits_field(const field *p, double x);
bool is_mean(void);                 /* whether a row's results depend on the others' */
unsigned char *placed_record(const unsigned char *bytes, size_t size);  /* a record that ends where a page does */
void place(block *b, bool at_end);
void lay_out(block *b);

void choose_trial(bool large, bool tame);
void refer(void);
void gather(value *values, const manner *how);
int32_t make_call(value *values, const manner *how, int expected);
void compare(size_t group);
void agree(const manner *how);
void agree_alone(void);
void agree_in_place(void);
void agree_overlapping(void);

#endif
