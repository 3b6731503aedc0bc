/* contract.c - every function against what nepit.h says of it; no function is named here.
 *
 * A trial is one valid call: random extents, element types, strides and data, in memory that ends (or begins) at a page
 * that cannot be touched. Its results with everything plain - adjacent elements, one thread, the default environment -
 * are the reference; then the same call is made in every other way that must not change a bit, and with one thing
 * wrong at a time, which must give the status that names it and write nothing. Each function runs in a process of its
 * own, so that a crash is a finding with a name.
 */
#include "harness.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ARENA_BYTES = 24 << 20,         /* of one array, guard pages not counted; most pages are never touched */
    MARGIN = 192,                   /* bytes watched beside an array, where the guard page is on its other side */
    PAGE = 4096,
    BORROWED = 4 << 20,             /* what a call may borrow, for each thread */
    LARGE_CELLS = 150000,           /* elements of a large trial */
    SECONDS = 300,                  /* after which one function's run counts as hanging */
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
    block blocks[MAX_PARAMETERS];   /* of ARRAY, MUTABLE, DOUBLES and INT32S */
    value scalars[MAX_PARAMETERS];  /* of NUMBER, BASE, COUNT and STATUS */
} trial;

typedef struct {                    /* how to make one call */
    const nepit_execution *execution;
    monitored *monitor;
    uint32_t mxcsr;
    int refuse, refuse_from;
} manner;

static const manner plainly = {NULL, NULL, DEFAULT_MXCSR, REFUSE_NOTHING, 0};

/* What one function's process holds. */
static const function *f;
static any_function symbol;
static const options *how_to_run;
static trial t;
static uint64_t digest;
static long calls, monitor_calls, thread_starts;
static int problems;
static char doing[256];             /* for the message when something goes wrong */
static unsigned char *record_arena; /* one page before a guard page, for execution records */
static jmp_buf give_up_function;
static sigjmp_buf crash;            /* out of a call that crashed */
static volatile sig_atomic_t calling;
static pthread_t main_thread;

static void *allocated(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) give_up("no memory");
    return memory;
}

static unsigned char *guarded(size_t bytes) {
    unsigned char *memory = allocated(bytes + 2 * PAGE);
    mprotect(memory, PAGE, PROT_NONE);
    mprotect(memory + PAGE + bytes, PAGE, PROT_NONE);
    return memory + PAGE;
}

/* ----------------------------------------------------------------- random */

static uint64_t random_state;

static uint64_t next(void) {        /* SplitMix64 */
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t below(size_t n) { return (size_t)(next() % n); }
static bool chance(size_t n) { return below(n) == 0; }
static double unit(void) { return (double)(next() >> 11) * 0x1p-53; }
#define PICK(array) ((array)[below(sizeof(array) / sizeof *(array))])

static void fill_random(unsigned char *at, size_t bytes) {
    /* Now and then ones throughout: NaN in every floating-point type, and the largest or -1 in every integer. */
    const bool ones = chance(8);
    for (size_t i = 0; i < bytes; i += 8) {
        const uint64_t word = ones ? UINT64_MAX : next();
        memcpy(at + i, &word, bytes - i < 8 ? bytes - i : 8);
    }
}

/* ---------------------------------------------------------------- reports */

static void describe_trial(FILE *to) {
    fprintf(to, "    rows %zu cols %zu", t.rows, t.cols);
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        const block *b = &t.blocks[i];
        switch (p->kind) {
        case NUMBER:
        case BASE: fprintf(to, ", %s %a", p->name, t.scalars[i].number); break;
        case COUNT: fprintf(to, ", %s %zu", p->name, t.scalars[i].count); break;
        case EXECUTION:
        case STATUS: break;
        default:
            if (!b->present) fprintf(to, ", %s absent", p->name);
            else fprintf(to, ", %s %s[%zu, %zu] strides %td, %td", p->name, dtype_name(b->dtype), b->rows, b->cols,
                         b->row_stride, b->col_stride);
        }
    }
    fputc('\n', to);
    fprintf(to, "    again: charness contract --only %s --seed %llu --calls %ld\n", f->name,
            (unsigned long long)how_to_run->seed, how_to_run->calls);
}

__attribute__((format(printf, 1, 2))) static void problem(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("%s: %s: ", f->name, doing);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    describe_trial(stdout);
    if (++problems == how_to_run->problems) longjmp(give_up_function, 1);
}

__attribute__((format(printf, 1, 2))) static void now(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(doing, sizeof doing, format, arguments);
    va_end(arguments);
    if (how_to_run->verbose) printf("%s: %s\n", f->name, doing);
}

/* A call that crashed on the calling thread is left for the next one: the library has no state to be afraid of, and
 * stdio was not what crashed. Elsewhere the process is lost. */
static void crashed(int signal_, siginfo_t *info, void *context) {
    (void)context;
    set_mxcsr(DEFAULT_MXCSR);
    const char *what = signal_ == SIGALRM   ? "hangs"
                       : signal_ == SIGILL  ? "traps (SIGILL)"
                       : signal_ == SIGFPE  ? "raises SIGFPE"
                       : signal_ == SIGABRT ? "aborts"
                                            : "touches memory it may not";
    fprintf(stdout, "%s: %s: the call %s", f->name, doing, what);
    if (signal_ == SIGSEGV || signal_ == SIGBUS) {
        const unsigned char *at = info->si_addr;
        for (int i = 0; i < f->count; i++) {
            const block *b = &t.blocks[i];
            if (b->arena == NULL || at < b->arena - PAGE || at >= b->arena + ARENA_BYTES + PAGE) continue;
            const ptrdiff_t after = at - (b->low + b->span);
            fprintf(stdout, ": %td bytes %s of %s", after >= 0 ? after : b->low - at,
                    after >= 0 ? "after the end" : "before the start", f->parameters[i].name);
        }
    }
    fputc('\n', stdout);
    describe_trial(stdout);
    fflush(stdout);
    if (!calling || signal_ == SIGALRM || !pthread_equal(pthread_self(), main_thread)) _exit(1);
    siglongjmp(crash, 1);
}

static void catch_crashes(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM};
    const stack_t stack = {.ss_sp = allocated(1 << 16), .ss_size = 1 << 16};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    main_thread = pthread_self();
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
    alarm(SECONDS);
}

/* ----------------------------------------------------------------- blocks */

static bool is_block(const parameter *p) {
    return p->kind == ARRAY || p->kind == MUTABLE || p->kind == DOUBLES || p->kind == INT32S;
}

/* One row for each group of rows. */
static bool is_grouped(const parameter *p) { return strncmp(p->extent[0], "rows/", 5) == 0; }

static size_t extent_of(const parameter *p, int axis) {
    const char *name = p->extent[axis];
    if (name[0] == 0) return 1;
    if (strcmp(name, "cols") == 0) return t.cols;
    if (strcmp(name, "rows") == 0) return p->out ? t.results : t.rows;
    if (is_grouped(p)) return t.results / t.members;
    return t.members;               /* header.py lets no other name through: it is the COUNT's */
}

static unsigned char *element_at(const block *b, size_t row, size_t col) {
    return b->data + ((ptrdiff_t)row * b->row_stride + (ptrdiff_t)col * b->col_stride) * (ptrdiff_t)b->size;
}

static unsigned char *plain_at(const block *b, size_t row, size_t col) {
    return b->plain + (row * b->cols + col) * b->size;
}

/* Puts a block with the strides it has at one end of its arena: beside the guard page before or after it. */
static void place(block *b, bool at_end) {
    ptrdiff_t least = 0, most = 0;
    if (b->rows > 0 && b->cols > 0) {
        const ptrdiff_t down = b->rows > 1 ? (ptrdiff_t)(b->rows - 1) * b->row_stride : 0;
        const ptrdiff_t along = b->cols > 1 ? (ptrdiff_t)(b->cols - 1) * b->col_stride : 0;
        least = (down < 0 ? down : 0) + (along < 0 ? along : 0);
        most = (down > 0 ? down : 0) + (along > 0 ? along : 0) + 1;
    }
    b->span = (size_t)(most - least) * b->size;
    if (b->span + MARGIN > ARENA_BYTES) give_up("%s: a block of %zu bytes", f->name, b->span);
    b->low = at_end ? b->arena + ARENA_BYTES - b->span : b->arena;
    b->data = b->low - least * (ptrdiff_t)b->size;
    b->watch = at_end ? b->low - MARGIN : b->low;
    b->watched = b->span + MARGIN;
}

/* Strides that no two elements of an output share memory under; an input may do as it likes. */
static void choose_strides(block *b, bool plain, bool large) {
    const ptrdiff_t rows = (ptrdiff_t)b->rows, cols = (ptrdiff_t)b->cols;
    ptrdiff_t row = cols, col = 1;
    if (!plain && (b->p->kind == ARRAY || b->p->kind == MUTABLE)) {
        const ptrdiff_t gap = 1 + (ptrdiff_t)below(3);
        switch (below(b->p->out || large ? 5 : 8)) {
        case 0: row = cols + gap; break;
        case 1: row = 1; col = rows; break;
        case 2: row = gap; col = rows * gap + (ptrdiff_t)below(3); break;
        case 3: col = 1 + gap; row = cols * col + (ptrdiff_t)below(3); break;
        case 4: break;
        case 5: row = 0; break;                                 /* one row repeated */
        case 6: col = 0; row = (ptrdiff_t)below(3); break;      /* one element repeated */
        case 7: row = (ptrdiff_t)below(4); col = (ptrdiff_t)below(4); break;    /* windows over one run */
        }
        if (chance(2)) row = -row;
        if (chance(2)) col = -col;
        /* A stride that is never used may be anything. */
        static const ptrdiff_t strange[] = {0, -1, 7, PTRDIFF_MIN, PTRDIFF_MAX};
        if (rows == 1 && chance(2)) row = PICK(strange);
        if (cols == 1 && chance(2)) col = PICK(strange);
    }
    b->row_stride = row;
    b->col_stride = col;
}

/* Writes the plain elements into the block, then reads them back: of elements that share memory the last one stays. */
static void scatter(block *b) {
    for (size_t r = 0; r < b->rows; r++) {
        for (size_t c = 0; c < b->cols; c++) memcpy(element_at(b, r, c), plain_at(b, r, c), b->size);
    }
    for (size_t r = 0; r < b->rows; r++) {
        for (size_t c = 0; c < b->cols; c++) memcpy(plain_at(b, r, c), element_at(b, r, c), b->size);
    }
}

/* Puts the block somewhere, with other bytes in its gaps. Inputs keep their values; outputs hold random bytes. */
static void lay_out(block *b) {
    place(b, chance(2));
    fill_random(b->watch, b->watched);
    if (!b->p->out) scatter(b);
}

/* ------------------------------------------------------------------- data */

enum flavour { UNIFORM, WIDE, COUNTS, SPARSE, DOMINATED, NEAR, EQUAL, EXTREME, WRONG, ZERO, ANYTHING, FLAVOURS };

/* Element j of a row; base is shared by the inputs of a trial, so that NEAR rows nearly agree and EQUAL ones do. */
static double datum(enum flavour flavour, size_t j, uint64_t base) {
    static const double extreme[] = {0, DBL_MIN, 0x1p-1074, 0x1p-1030, DBL_MAX, 0x1p1000, 1, 0x1p-149, FLT_MAX, 65504};
    static const double wrong[] = {NAN, INFINITY, -INFINITY, -1, -0x1p-1074, -0.0, 0, 1};
    const uint64_t saved = random_state;
    random_state = base + j * UINT64_C(0x632be59bd9b4e019);
    const double shared = unit() + 0x1p-20;
    random_state = saved;
    switch (flavour) {
    case WIDE: return ldexp(unit(), (int)below(120) - 60);
    case COUNTS: return (double)below(50);
    case SPARSE: return chance(2) ? 0 : unit();
    case DOMINATED: return j == base % 5 ? 1000 : ldexp(unit(), -60);
    case NEAR: return shared * (1 + 1e-9 * unit());
    case EQUAL: return shared;
    case EXTREME: return PICK(extreme);
    case WRONG: return chance(4) ? PICK(wrong) : unit();
    case ZERO: return chance(2) ? 0.0 : -0.0;
    default: return unit();
    }
}

static void choose_data(block *b, uint64_t base, bool tame) {
    for (size_t r = 0; r < b->rows; r++) {
        const enum flavour flavour = tame ? UNIFORM : (enum flavour)below(FLAVOURS);
        /* An integer type takes fractions as hundredths, so that its rows are of some interest. */
        const double scale = dtype_is_float(b->dtype) || flavour == EXTREME ? 1 : 100;
        for (size_t c = 0; c < b->cols; c++) {
            unsigned char *at = plain_at(b, r, c);
            put_element(at, b->dtype, scale * datum(flavour, c, base));
            if (flavour == ANYTHING) fill_random(at, b->size);
        }
    }
}

static bool fits(const parameter *p, double x) {
    return (x > p->low || (p->low_closed && x == p->low)) && (x < p->high || (p->high_closed && x == p->high));
}

static double choose_number(const parameter *p) {
    if (p->kind == BASE) {
        static const double bases[] = {2, NEPIT_E, 10, 0x1.0000000000001p0, DBL_MAX, 1.5, 256};
        return PICK(bases);
    }
    static const double special[] = {0, 0.5, 1, 2, 3, 1 + 0x1p-52, 1 - 0x1p-53, 1 + 1e-9, 0x1p-1074, 1e-300, 1e300, -1,
                                     -1 - 1e-9, 1e-4, INFINITY, DBL_MAX, -DBL_MAX, -0.0};
    const double low = p->low < -4 ? -4 : p->low, high = p->high > low + 8 ? low + 8 : p->high;
    for (;;) {
        const double x = chance(2) ? PICK(special) : low + unit() * (high - low);
        if (fits(p, x)) return x;
    }
}

/* --------------------------------------------------------------- the call */

/* The values of the trial's call as it stands. */
static void gather(value *values, const manner *how) {
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        const block *b = &t.blocks[i];
        memset(&values[i], 0xa5, sizeof values[i]);     /* padding is nobody's business */
        switch (p->kind) {
        case ARRAY:
        case MUTABLE: {
            nepit_mutable_array *a = &values[i].mutable;
            a->data = b->present ? b->data : NULL;
            a->rows = b->present ? b->rows : 0;
            a->cols = b->present ? b->cols : 0;
            a->row_stride = b->row_stride;
            a->col_stride = b->col_stride;
            a->dtype = b->dtype;
            break;
        }
        case DOUBLES:
        case INT32S: values[i].pointer = b->present ? b->data : NULL; break;
        case EXECUTION: values[i].execution = how->execution; break;
        default: values[i] = t.scalars[i];
        }
    }
}

/* Makes a call and checks everything about it but its results: the status, the bytes that are nobody's, the
 * floating-point environment, memory and threads. Returns the status. */
static int32_t make_call(value *values, const manner *how, int expected) {
    for (int i = 0; i < f->count; i++) {
        const block *b = &t.blocks[i];
        if (b->present) memcpy(b->copy, b->watch, b->watched);
    }
    sigset_t mask_before, mask_after;       /* of which the kernel writes a part */
    memset(&mask_before, 0, sizeof mask_before);
    memset(&mask_after, 0, sizeof mask_after);
    pthread_sigmask(SIG_BLOCK, NULL, &mask_before);
    const uint16_t x87 = get_x87();
    calls++;
    if (sigsetjmp(crash, 0) != 0) {
        calling = false;
        watch_stop();
        pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
        if (++problems == how_to_run->problems) longjmp(give_up_function, 1);
        return CRASHED;
    }
    calling = true;
    watch_start(how->refuse, how->refuse_from);
    set_mxcsr(how->mxcsr);
    const int32_t status = call_through_ffi(f, symbol, values);
    const uint32_t mxcsr = get_mxcsr();
    set_mxcsr(DEFAULT_MXCSR);
    calling = false;
    const watched seen = watch_stop();
    pthread_sigmask(SIG_BLOCK, NULL, &mask_after);
    thread_starts += seen.threads - seen.refused;

    if (status > 0 || (status < 0 && (status < -31 || (f->statuses >> -status & 1) == 0))) {
        problem("the status is %d (%s), which the comment does not name", status, status_name(status));
    } else if (expected == ANY_ERROR ? status == NEPIT_OK : expected != ANY_STATUS && status != expected) {
        problem("the status is %s, not %s", status_name(status),
                expected == ANY_ERROR ? "an error" : status_name(expected));
    }
    if (mxcsr != how->mxcsr) problem("MXCSR was 0x%04x and is 0x%04x", how->mxcsr, mxcsr);
    if (get_x87() != x87) problem("the x87 control word has changed");
    if (memcmp(&mask_before, &mask_after, sizeof mask_before) != 0) problem("the signal mask has changed");
    if (seen.live != 0) problem("%ld allocations were not given back", seen.live);
    if (seen.threads - seen.refused != seen.ended) problem("%d threads were made, %d ended", seen.threads, seen.ended);
    if (seen.unmasked > 0) problem("a thread was made that signals can interrupt");
    if (how->execution == NULL && seen.threads > 0) problem("threads were made unasked");
    if (!f->allocates && seen.most > BORROWED * (size_t)(1 + seen.threads)) {
        problem("the call held %zu bytes at once with %d threads", seen.most, seen.threads);
    }
    if (how->monitor != NULL) {
        monitor_calls += how->monitor->calls;
        if (how->monitor->wrong != NULL) problem("%s", how->monitor->wrong);
        if (how->monitor->cancel_at != 0 && how->monitor->calls >= how->monitor->cancel_at &&
            status != NEPIT_ERROR_CANCELLED) {
            problem("the monitor cancelled and the status is %s", status_name(status));
        }
    }

    /* Inputs, gaps and margins hold what they held; so do outputs when the call was wrong. */
    const bool may_write = status == NEPIT_OK || status == NEPIT_ERROR_CANCELLED ||
                           (status == NEPIT_ERROR_MEMORY && f->allocates);
    for (int i = 0; i < f->count; i++) {
        const block *b = &t.blocks[i];
        if (!b->present) continue;
        if (b->p->out && may_write) {
            for (size_t r = 0; r < b->rows; r++) {
                for (size_t c = 0; c < b->cols; c++) {
                    unsigned char *at = element_at(b, r, c);
                    memcpy(b->copy + (at - b->watch), at, b->size);
                }
            }
        }
        if (memcmp(b->copy, b->watch, b->watched) == 0) continue;
        size_t k = 0;
        while (b->copy[k] == b->watch[k]) k++;
        problem("%s of %s changed, %td bytes from its start",
                !b->p->out ? "an input" : may_write ? "a gap" : "an output of a failed call", b->p->name,
                b->watch + k - b->low);
    }
    return status;
}

/* Compares the outputs with the reference, which is that of a trial of which this one begins with so many groups. */
static void compare(size_t group) {
    for (int i = 0; i < f->count; i++) {
        const block *b = &t.blocks[i];
        if (!b->present || !b->p->out) continue;
        const size_t first = is_grouped(b->p) ? group : group * t.members;
        for (size_t r = 0; r < b->rows; r++) {
            for (size_t c = 0; c < b->cols; c++) {
                const uint64_t got = element_bits(element_at(b, r, c), b->dtype);
                const uint64_t want = element_bits(plain_at(b, first + r, c), b->dtype);
                if (got == want) continue;
                problem("%s[%zu, %zu] has the bits 0x%llx where the plain call gives 0x%llx", b->p->name, first + r, c,
                        (unsigned long long)got, (unsigned long long)want);
                r = b->rows - 1;
                break;
            }
        }
    }
}

/* The trial's call as it stands, in some manner; its results must be the reference's. */
static void agree(const manner *how) {
    value values[MAX_PARAMETERS];
    gather(values, how);
    const int32_t status = make_call(values, how, NEPIT_OK);
    if (status == NEPIT_OK) compare(0);
}

static uint32_t strange_mxcsr(void) {
    /* Flags, DAZ, rounding and FTZ at random; exceptions unmasked one time in four. */
    const uint32_t masks = chance(4) ? (uint32_t)next() & 0x1f80 : 0x1f80;
    return ((uint32_t)next() & 0xe07f) | masks;
}

/* ----------------------------------------------------------------- trials */

/* Sizes on edges: lanes, chunks and pages of elements, each with its neighbours, and primes. */
static size_t choose_cols(void) {
    static const size_t edges[] = {1,  2,  3,  4,  5,  7,  8,  9,  13, 15,  16, 17,
                                   31, 32, 33, 47, 63, 64, 65, 97, 127, 128, 129};
    static const size_t far[] = {255,  256,  257,  499,  511,  512,  513,  1021,
                                 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4097};
    return chance(12) ? PICK(far) : PICK(edges);
}

static void choose_shape(bool large) {
    t.members = 1;
    for (int i = 0; i < f->count; i++) {
        if (f->parameters[i].kind != COUNT) continue;
        t.members = t.scalars[i].count = 1 + below(5);
        if (t.members < f->parameters[i].low) give_up("%s: no small %s", f->name, f->parameters[i].name);
    }
    if (large) {
        static const size_t cols[] = {1, 3, 17, 256, 1000, 4099, 20011, 65536, LARGE_CELLS};
        t.cols = PICK(cols);
        const size_t groups = LARGE_CELLS / t.cols / t.members;
        t.rows = (groups > 0 ? groups : 1) * t.members;
    } else {
        t.cols = choose_cols();
        t.rows = t.members * (1 + below(t.cols > 300 ? 2 : 6));
    }
    t.results = t.rows;
}

/* A valid call with everything at random. Few rows may be bad when it is tame. */
static void choose_trial(bool large, bool tame) {
    static const nepit_dtype floats[] = {NEPIT_F64, NEPIT_F64, NEPIT_F32, NEPIT_F16, NEPIT_BF16};
    choose_shape(large);
    const uint64_t base = next();
    int arrays = 0, single = -1;
    for (int i = 0; i < f->count; i++) arrays += f->parameters[i].kind == ARRAY;
    if (arrays > 1 && chance(3)) single = (int)below((size_t)arrays);
    const bool one_dtype = chance(2);
    const nepit_dtype common = chance(2) ? PICK(floats) : (nepit_dtype)(NEPIT_F64 + (int)below(12));
    const bool plain = chance(6);
    for (int i = 0, array = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        block *b = &t.blocks[i];
        b->p = p;
        switch (p->kind) {
        case NUMBER:
        case BASE: t.scalars[i].number = choose_number(p); continue;
        case STATUS: t.scalars[i].status = (int32_t)next(); continue;
        case COUNT:
        case EXECUTION: continue;
        case ARRAY: b->dtype = one_dtype ? common : (nepit_dtype)(NEPIT_F64 + (int)below(12)); break;
        case MUTABLE: b->dtype = PICK(floats); break;
        case DOUBLES: b->dtype = NEPIT_F64; break;
        case INT32S: b->dtype = NEPIT_I32; break;
        }
        b->present = true;
        b->size = dtype_size(b->dtype);
        b->rows = extent_of(p, 0);
        b->cols = extent_of(p, 1);
        if (p->kind == ARRAY && array++ == single) b->rows = 1;
        choose_strides(b, plain, large);
        place(b, chance(2));
        if (p->out) continue;
        if (p->kind == ARRAY) {
            choose_data(b, base, tame);
        } else {
            for (size_t r = 0; r < b->rows; r++) ((double *)b->plain)[r] = r == 0 || chance(3) ? 1 + unit() : 0;
        }
    }
    for (int i = 0; i < f->count; i++) {
        if (is_block(&f->parameters[i])) lay_out(&t.blocks[i]);
    }
}

/* The reference: the same values, adjacent and aligned, in the plain manner. */
static void refer(void) {
    static unsigned char *adjacent[MAX_PARAMETERS];
    trial whole = t;
    for (int i = 0; i < f->count; i++) {
        block *b = &t.blocks[i];
        if (!b->present) continue;
        if (adjacent[i] == NULL) adjacent[i] = allocated(ARENA_BYTES + MARGIN);
        const size_t bytes = b->rows * b->cols * b->size;
        if (!b->p->out) memcpy(adjacent[i], b->plain, bytes);
        b->low = b->data = b->watch = adjacent[i];
        b->span = b->watched = bytes;
        b->row_stride = (ptrdiff_t)b->cols;
        b->col_stride = 1;
    }
    value values[MAX_PARAMETERS];
    gather(values, &plainly);
    now("a plain call");
    const int32_t status = make_call(values, &plainly, NEPIT_OK);
    for (int i = 0; i < f->count; i++) {
        const block *b = &t.blocks[i];
        if (!b->present || !b->p->out || status != NEPIT_OK) continue;
        memcpy(b->plain, b->data, b->span);
        for (size_t k = 0; k < b->rows * b->cols; k++) {
            const uint64_t bits = element_bits(b->plain + k * b->size, b->dtype);
            digest = fnv1a(digest, bits, (int)b->size);
            if (b->dtype == NEPIT_F64 && bits == UINT64_C(1) << 63) {
                problem("%s[%zu, %zu] is -0", b->p->name, k / b->cols, k % b->cols);
                break;
            }
        }
    }
    t = whole;
}

/* One row (or group of rows) by itself gives what it gives among others. */
static void agree_alone(void) {
    if (t.results <= t.members) return;
    const trial whole = t;
    const size_t group = below(t.results / t.members);
    now("group %zu alone", group);
    for (int i = 0; i < f->count; i++) {
        block *b = &t.blocks[i];
        if (!b->present || strncmp(b->p->extent[0], "rows", 4) != 0) continue;
        /* What belongs to other rows is a gap now, and watched as such. */
        if (b->p->out) fill_random(b->watch, b->watched);
        const bool one = b->rows == 1 || is_grouped(b->p);
        b->data = element_at(b, b->rows == 1 ? 0 : is_grouped(b->p) ? group : group * t.members, 0);
        b->rows = one ? 1 : t.members;
    }
    value values[MAX_PARAMETERS];
    gather(values, &plainly);
    if (make_call(values, &plainly, NEPIT_OK) == NEPIT_OK) compare(group);
    t = whole;
}

/* The trial in every way that must not change its results. */
static void valid_trial(bool large) {
    static const int32_t threads[] = {1, 0, 3, 8};
    choose_trial(large, false);
    refer();

    now("strides, alignment, gaps");
    agree(&plainly);
    for (int i = 0; i < f->count; i++) {
        if (is_block(&f->parameters[i])) lay_out(&t.blocks[i]);
    }
    manner how = plainly;
    how.mxcsr = strange_mxcsr();
    now("other gaps, other place, MXCSR 0x%04x", how.mxcsr);
    agree(&how);
    agree_alone();

    monitored seen;
    nepit_execution execution = {sizeof execution, PICK(threads), NULL, &seen};
    const size_t turns = large ? sizeof threads / sizeof *threads : 1;
    for (size_t k = 0; k < turns; k++) {
        how = plainly;
        if (large) execution.threads = threads[k];
        if (!large && chance(4)) execution.threads = INT32_MAX;
        how.execution = &execution;
        how.mxcsr = strange_mxcsr();
        if (chance(2)) {
            execution.monitor = ffi_monitor();
            how.monitor = &seen;
            expect_monitor(&seen, 0, how.mxcsr);
        } else {
            execution.monitor = NULL;
        }
        now("%d threads%s", execution.threads, execution.monitor ? ", a monitor" : "");
        agree(&how);
    }

    if (f->parameters[0].kind == ARRAY && (large || chance(4))) {
        /* Cancelled by the first, or a later, call of the monitor: the status says so; the outputs are unspecified. */
        how = plainly;
        how.mxcsr = strange_mxcsr();
        execution.monitor = ffi_monitor();
        how.execution = &execution;
        how.monitor = &seen;
        expect_monitor(&seen, chance(2) ? 1 : 1 + (int)below(3), how.mxcsr);
        now("cancelled by call %d of the monitor", seen.cancel_at);
        value values[MAX_PARAMETERS];
        gather(values, &how);
        const int32_t status = make_call(values, &how, ANY_STATUS);
        if (status == NEPIT_OK) compare(0);
        else if (status == CRASHED) return;
        else if (status != NEPIT_ERROR_CANCELLED) problem("the status is %s", status_name(status));
        else if (seen.calls < seen.cancel_at) problem("the status is CANCELLED, and nobody has cancelled");
    }

    /* No memory, no threads: the same results, or NEPIT_ERROR_MEMORY from a function that says it allocates. */
    how = plainly;
    how.execution = &execution;
    execution.monitor = NULL;
    execution.threads = 3;
    how.refuse_from = (int)below(3);
    how.refuse = chance(2) ? REFUSE_MEMORY : REFUSE_THREADS;
    now("no %s from the %d. request on", how.refuse == REFUSE_MEMORY ? "memory" : "threads", how.refuse_from + 1);
    value values[MAX_PARAMETERS];
    gather(values, &how);
    const int32_t status = make_call(values, &how, ANY_STATUS);
    const bool may_fail = (how.refuse == REFUSE_MEMORY && status == NEPIT_ERROR_MEMORY) || status == CRASHED;
    if (status == NEPIT_OK) compare(0);
    else if (!may_fail) problem("the status is %s", status_name(status));
}

/* ------------------------------------------------------------ wrong calls */

static value wrong_values[MAX_PARAMETERS];

/* The trial's call with what has been put into wrong_values. */
static void wrong_call(int expected) {
    manner how = plainly;
    how.mxcsr = strange_mxcsr();
    how.execution = NULL;
    for (int i = 0; i < f->count; i++) {
        if (f->parameters[i].kind == EXECUTION) how.execution = wrong_values[i].execution;
    }
    make_call(wrong_values, &how, expected);
    gather(wrong_values, &plainly);
}

/* How many things besides block i hold its rows, or cols, so that a change of its own is a contradiction. */
static bool tied(int i, int axis) {
    for (int k = 0; k < f->count; k++) {
        const block *b = &t.blocks[k];
        if (k == i || !is_block(&f->parameters[k]) || !b->present) continue;
        if (f->parameters[k].kind != ARRAY && f->parameters[k].kind != MUTABLE) continue;
        if (axis == 1 || f->parameters[k].kind == MUTABLE || (b->rows > 1 && t.blocks[i].rows > 1)) return true;
    }
    return false;
}

/* The results if input array i is not there. */
static size_t results_without(int i) {
    size_t rows = 0;
    for (int k = 0; k < f->count; k++) {
        if (k != i && f->parameters[k].kind == ARRAY && t.blocks[k].rows > rows) rows = t.blocks[k].rows;
    }
    return rows;
}

static void wrong_dtypes(int i) {
    static const nepit_dtype none[] = {0, 13, -1, INT32_MAX, INT32_MIN, 1 << 16};
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
        now("%s of dtype %d", f->parameters[i].name, none[k]);
        wrong_values[i].array.dtype = none[k];
        wrong_call(NEPIT_ERROR_DTYPE);
    }
    for (nepit_dtype dtype = NEPIT_I8; dtype <= NEPIT_U64 && f->parameters[i].kind == MUTABLE; dtype++) {
        now("%s of dtype %s", f->parameters[i].name, dtype_name(dtype));
        wrong_values[i].array.dtype = dtype;
        wrong_call(NEPIT_ERROR_DTYPE);
    }
}

static void wrong_extents(int i) {
    const char *name = f->parameters[i].name;
    const block *b = &t.blocks[i];
    nepit_array *a = &wrong_values[i].array;
    const size_t half = (size_t)PTRDIFF_MAX + 1;

    now("%s without columns", name);
    a->cols = 0;
    wrong_call(NEPIT_ERROR_SHAPE);
    now("%s without columns and data", name);
    a->cols = 0;
    a->data = NULL;
    const bool fewer = !f->parameters[i].out && results_without(i) != t.results;
    wrong_call(!f->parameters[i].optional ? NEPIT_ERROR_SHAPE : fewer ? ANY_STATUS : NEPIT_OK);
    if (f->parameters[i].out) {
        now("%s without rows", name);
        a->rows = 0;
        wrong_call(NEPIT_ERROR_SHAPE);
    }
    if (tied(i, 1)) {
        now("%s with a column more", name);
        a->cols++;
        wrong_call(NEPIT_ERROR_SHAPE);
        if (b->cols > 1) {
            now("%s with a column less", name);
            a->cols--;
            wrong_call(NEPIT_ERROR_SHAPE);
            now("%s with one column", name);
            a->cols = 1;
            wrong_call(NEPIT_ERROR_SHAPE);
        }
    }
    if (tied(i, 0)) {
        if (b->rows != 1 || t.rows != 2) {      /* else it would be right */
            now("%s with a row more", name);
            a->rows++;
            wrong_call(NEPIT_ERROR_SHAPE);
        }
        if (b->rows > 2 || (f->parameters[i].out && b->rows > 1)) {
            now("%s with a row less", name);
            a->rows--;
            wrong_call(NEPIT_ERROR_SHAPE);
        }
    }

    /* Extents and strides whose products leave the range of ptrdiff_t, or come back into it. */
    const size_t huge[] = {SIZE_MAX, half, half / b->size, SIZE_MAX / b->size + 2};
    for (size_t k = 0; k < (b->size > 1 ? 4 : 2); k++) {    /* of bytes the last is no extent */
        now("%s with %zu rows", name, huge[k]);
        a->rows = huge[k];
        a->row_stride = chance(2) ? 0 : a->row_stride;
        if (a->row_stride != 0 || huge[k] >= half / 8) wrong_call(NEPIT_ERROR_SHAPE);
        now("%s with %zu columns", name, huge[k]);
        gather(wrong_values, &plainly);
        a->cols = huge[k];
        a->col_stride = huge[k] > PTRDIFF_MAX && chance(2) ? 0 : chance(2) ? 1 : -1;
        wrong_call(NEPIT_ERROR_SHAPE);
    }
    now("%s with 2^32 rows and columns", name);
    a->rows = a->cols = (size_t)1 << 32;
    if (chance(2)) a->row_stride = a->col_stride = 0;
    wrong_call(NEPIT_ERROR_SHAPE);

    const ptrdiff_t just_too_far = PTRDIFF_MAX / (ptrdiff_t)b->size + (b->size > 1);
    const ptrdiff_t far[] = {PTRDIFF_MIN, PTRDIFF_MAX, PTRDIFF_MIN + 1, just_too_far, -just_too_far};
    for (size_t k = 0; k < sizeof far / sizeof *far; k++) {
        if (b->rows > 1) {
            now("%s with a row stride of %td", name, far[k]);
            a->row_stride = far[k];
            wrong_call(NEPIT_ERROR_SHAPE);
        }
        if (b->cols > 1) {
            now("%s with a column stride of %td", name, far[k]);
            a->col_stride = far[k];
            wrong_call(NEPIT_ERROR_SHAPE);
        }
    }
    if (b->rows > 4 && b->size > 1) {
        now("%s with a row stride whose multiple wraps to 0", name);
        a->row_stride = (ptrdiff_t)1 << 61;
        wrong_call(NEPIT_ERROR_SHAPE);
    }
}

static size_t magnitude(ptrdiff_t x) { return x < 0 ? (size_t)-x : (size_t)x; }

static size_t common_divisor(size_t a, size_t b) {
    while (b != 0) {
        const size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Whether two elements share memory: a step of so many rows and columns leads nowhere. */
static bool overlaps(size_t rows, size_t cols, ptrdiff_t row_stride, ptrdiff_t col_stride) {
    const size_t row = magnitude(row_stride), col = magnitude(col_stride);
    if (rows > 1 && row == 0) return true;
    if (cols > 1 && col == 0) return true;
    if (rows < 2 || cols < 2) return false;
    const size_t divisor = common_divisor(row, col);
    return col / divisor < rows && row / divisor < cols;
}

/* Outputs whose elements share memory, and outputs with such strides whose elements do not. */
static void overlapping_outputs(int i) {
    block *b = &t.blocks[i];
    for (int k = 0; k < 12; k++) {
        const ptrdiff_t row = (ptrdiff_t)below(2 * b->cols + 3) * (chance(2) ? 1 : -1);
        const ptrdiff_t col = (ptrdiff_t)below(2 * b->rows + 3) * (chance(2) ? 1 : -1);
        const block kept = *b;
        b->row_stride = row;
        b->col_stride = col;
        lay_out(b);
        gather(wrong_values, &plainly);
        now("%s with strides %td, %td", b->p->name, row, col);
        if (overlaps(b->rows, b->cols, row, col)) {
            wrong_call(NEPIT_ERROR_SHAPE);
        } else {
            agree(&plainly);
        }
        *b = kept;
        lay_out(b);
        gather(wrong_values, &plainly);
    }
}

static void wrong_pointers(int i) {
    const parameter *p = &f->parameters[i];
    now("%s NULL", p->name);
    if (p->kind == ARRAY || p->kind == MUTABLE) wrong_values[i].mutable.data = NULL;
    else wrong_values[i].pointer = NULL;
    const bool fewer = p->kind == ARRAY && results_without(i) != t.results;
    wrong_call(!p->optional ? NEPIT_ERROR_NULL : fewer ? ANY_STATUS : NEPIT_OK);

    /* Without an optional output the others keep their bits. */
    if (p->optional && p->out) {
        block *b = &t.blocks[i];
        now("without %s", p->name);
        b->present = false;
        agree(&plainly);
        if (p->kind == MUTABLE) {
            value values[MAX_PARAMETERS];
            gather(values, &plainly);
            values[i].mutable = nepit_no_array();
            make_call(values, &plainly, NEPIT_OK);
            compare(0);
        }
        b->present = true;
    }
}

static void wrong_numbers(int i) {
    const parameter *p = &f->parameters[i];
    static const double bases[] = {1, 0, -2, 0.5, 1 - 0x1p-53, 0x1p-1074, NAN, INFINITY, -INFINITY, -0.0, -1};
    if (p->kind == BASE) {
        for (size_t k = 0; k < sizeof bases / sizeof *bases; k++) {
            now("base %a", bases[k]);
            wrong_values[i].number = bases[k];
            wrong_call(NEPIT_ERROR_BASE);
        }
        return;
    }
    const double probes[] = {p->low, p->high, nextafter(p->low, -INFINITY), nextafter(p->high, INFINITY), p->low - 1,
                             p->high + 1, -INFINITY, INFINITY, NAN, -NAN, -DBL_MAX, DBL_MAX};
    for (size_t k = 0; k < sizeof probes / sizeof *probes; k++) {
        const double x = probes[k];
        now("%s %a", p->name, x);
        wrong_values[i].number = x;
        wrong_call(fits(p, x) ? NEPIT_OK : NEPIT_ERROR_PARAMETER);
    }
    if (p->low == 0 && p->low_closed) {
        /* -0 is 0. */
        const double kept = t.scalars[i].number;
        t.scalars[i].number = 0;
        refer();
        t.scalars[i].number = -0.0;
        now("%s -0", p->name);
        agree(&plainly);
        t.scalars[i].number = kept;
        refer();
        gather(wrong_values, &plainly);
    }
}

static void wrong_counts(int i) {
    const parameter *p = &f->parameters[i];
    for (size_t n = 0; (double)n < p->low; n++) {
        now("%s %zu", p->name, n);
        wrong_values[i].count = n;
        wrong_call(NEPIT_ERROR_PARAMETER);
    }
    /* More members than rows: rows is no multiple of them. */
    const size_t many[] = {t.rows + 1, SIZE_MAX, (size_t)PTRDIFF_MAX, (size_t)1 << 60, (size_t)1 << 32};
    for (size_t k = 0; k < sizeof many / sizeof *many; k++) {
        now("%s %zu", p->name, many[k]);
        wrong_values[i].count = many[k];
        wrong_call(ANY_ERROR);
    }
}

/* Numbers behind a pointer that are no distribution. */
static void wrong_data(int i) {
    block *b = &t.blocks[i];
    static const double bad[] = {-1, NAN, INFINITY, -0x1p-1074, -INFINITY};
    double *at = (double *)b->data + below(b->rows);
    const double kept = *at;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        now("%a in %s", bad[k], b->p->name);
        *at = bad[k];
        wrong_call(NEPIT_ERROR_PARAMETER);
    }
    *at = kept;
    now("zeros in %s", b->p->name);
    memset(b->data, 0, b->span);
    wrong_call(NEPIT_ERROR_PARAMETER);
    lay_out(b);
    gather(wrong_values, &plainly);
}

static void wrong_executions(int i) {
    /* A record of so many bytes ends where the page does: what its size does not cover is not there. */
    static const size_t sizes[] = {0, 8, 12, 16, 24, 31, 33, 40, 64, SIZE_MAX, (size_t)1 << 32 | 32};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        size_t bytes = sizes[k] < 8 || sizes[k] > 4096 ? 8 : (sizes[k] + 7) / 8 * 8;
        nepit_execution *execution = (nepit_execution *)(void *)(record_arena + PAGE - bytes);
        memset(execution, 0, bytes);
        memcpy(execution, &sizes[k], sizeof sizes[k]);
        now("an execution of size %zu", sizes[k]);
        wrong_values[i].execution = execution;
        wrong_call(NEPIT_ERROR_SIZE);
    }
    nepit_execution *execution = (nepit_execution *)(void *)(record_arena + PAGE - sizeof *execution);
    static const int32_t threads[] = {-1, INT32_MIN, -8};
    for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
        *execution = (nepit_execution){sizeof *execution, threads[k], NULL, NULL};
        now("%d threads", threads[k]);
        wrong_values[i].execution = execution;
        wrong_call(NEPIT_ERROR_PARAMETER);
    }
}

/* A trial with zero rows: nothing is read or written, and pointers to nothing may be NULL. */
static void empty_trial(void) {
    choose_trial(false, true);
    const bool null = chance(2);
    t.rows = t.results = 0;
    for (int i = 0; i < f->count; i++) {
        block *b = &t.blocks[i];
        if (!is_block(&f->parameters[i]) || strncmp(b->p->extent[0], "rows", 4) != 0) continue;
        b->rows = 0;
        place(b, chance(2));
        if (null) b->data = NULL;
    }
    now("zero rows%s", null ? ", data NULL" : "");
    value values[MAX_PARAMETERS];
    gather(values, &plainly);
    make_call(values, &plainly, NEPIT_OK);

    /* Zero rows beside a single one: no results, or a contradiction; in no case a read or a write. */
    for (int i = 0, seen = 0; i < f->count; i++) {
        if (f->parameters[i].kind != ARRAY || seen++ == 0) continue;
        block *b = &t.blocks[i];
        b->rows = 1;
        place(b, true);
        fill_random(b->watch, b->watched);
        now("zero rows beside one");
        gather(values, &plainly);
        make_call(values, &plainly, ANY_STATUS);
        b->rows = 0;
        place(b, true);
    }
}

/* One thing wrong at a time; then two. */
static void wrong_trial(void) {
    choose_trial(false, true);
    refer();
    gather(wrong_values, &plainly);
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        if (is_block(p)) wrong_pointers(i);
        if (p->kind == ARRAY || p->kind == MUTABLE) {
            wrong_dtypes(i);
            wrong_extents(i);
        }
        if (p->kind == MUTABLE) overlapping_outputs(i);
        if (p->kind == NUMBER || p->kind == BASE) wrong_numbers(i);
        if (p->kind == COUNT) wrong_counts(i);
        if (p->kind == DOUBLES && !p->out) wrong_data(i);
        if (p->kind == EXECUTION) wrong_executions(i);
    }
    for (int k = 0; k < 8; k++) {
        now("several things wrong");
        for (int i = 0; i < f->count; i++) {
            const parameter *p = &f->parameters[i];
            if (p->kind == ARRAY && chance(2)) wrong_values[i].array.dtype = -5;
            if (p->kind == ARRAY && chance(2)) wrong_values[i].array.cols = 0;
            if (p->kind == ARRAY && chance(3)) wrong_values[i].array.rows = SIZE_MAX;
            if (p->kind == BASE && chance(2)) wrong_values[i].number = NAN;
            if (p->kind == NUMBER && chance(2)) wrong_values[i].number = NAN;
            if (p->kind == MUTABLE && chance(2)) wrong_values[i].mutable.dtype = NEPIT_I32;
            if (is_block(p) && !p->optional && p->kind != ARRAY && p->kind != MUTABLE && chance(2)) {
                wrong_values[i].pointer = NULL;
            }
        }
        for (int i = 0; i < f->count; i++) {    /* one is wrong in any case */
            if (f->parameters[i].kind == ARRAY && !f->parameters[i].optional) wrong_values[i].array.dtype = 99;
        }
        wrong_call(ANY_ERROR);
    }
}

/* -------------------------------------------------------------- functions */

/* A function that returns a constant string: the same one each time, for any argument. */
static void string_trial(void) {
    value values[MAX_PARAMETERS];
    for (int i = 0; i < f->count; i++) {
        if (f->parameters[i].kind != STATUS) give_up("%s: a parameter no string function has", f->name);
        values[i].status = chance(2) ? -(int32_t)below(12) : (int32_t)next();
    }
    now("a string");
    const uint32_t mxcsr = strange_mxcsr();
    calls += 2;
    set_mxcsr(mxcsr);
    const char *first = string_through_ffi(f, symbol, values);
    const char *second = string_through_ffi(f, symbol, values);
    const uint32_t after = get_mxcsr();
    set_mxcsr(DEFAULT_MXCSR);
    if (first == NULL || first[0] == 0) problem("no string");
    else if (second == NULL || strcmp(first, second) != 0) problem("two calls give two strings");
    else if (strlen(first) > 200) problem("the string is endless");
    if (after != mxcsr) problem("MXCSR was 0x%04x and is 0x%04x", mxcsr, after);
}

static void run_function(void) {
    for (int i = 0; i < f->count; i++) {
        if (!is_block(&f->parameters[i])) continue;
        block *b = &t.blocks[i];
        b->p = &f->parameters[i];
        b->arena = guarded(ARENA_BYTES);
        b->copy = allocated(ARENA_BYTES);
        b->plain = allocated(ARENA_BYTES);
    }
    record_arena = guarded(PAGE);
    if (f->returns_string) {
        while (calls < 200) string_trial();
        return;
    }
    /* Large trials are few: they are where threads, the monitor and borrowed memory come in. */
    for (long trial_number = 0; calls < how_to_run->calls; trial_number++) {
        if (trial_number % 40 == 5) valid_trial(true);
        else if (trial_number % 40 == 0) wrong_trial();
        else if (trial_number % 40 == 20) empty_trial();
        else valid_trial(false);
    }
}

typedef struct {                    /* what a function's process tells */
    long calls, monitor_calls, threads;
    int problems;
    uint64_t digest;
    bool finished;
} report;

static uint64_t seed_of(uint64_t seed, const char *name) {
    uint64_t mixed = FNV_START ^ seed;
    for (; *name != 0; name++) mixed = fnv1a(mixed, (unsigned char)*name, 1);
    return mixed;
}

int run_contract(const description *all, const options *how) {
    report *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r == MAP_FAILED) give_up("no memory");
    how_to_run = how;
    printf("seed %llu\n", (unsigned long long)how->seed);
    int failures = 0;
    long total = 0;
    uint64_t all_digests = FNV_START;
    for (int i = 0; i < all->count; i++) {
        f = &all->functions[i];
        if (how->only != NULL && strcmp(how->only, f->name) != 0) continue;
        symbol = find_symbol(f->name);
        if (symbol == NULL) {
            printf("%-44s missing from the library\n", f->name);
            failures++;
            continue;
        }
        fflush(stdout);
        memset(r, 0, sizeof *r);
        const pid_t child = fork();
        if (child < 0) give_up("fork: %s", strerror(errno));
        if (child == 0) {
            catch_crashes();
            random_state = seed_of(how->seed, f->name);
            digest = FNV_START;
            if (setjmp(give_up_function) == 0) run_function();
            *r = (report){calls, monitor_calls, thread_starts, problems, digest, true};
            fflush(stdout);
            _exit(problems > 0);
        }
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
        const bool failed = !r->finished || r->problems > 0 || status != 0;
        failures += failed;
        total += r->calls;
        all_digests = fnv1a(all_digests, r->digest, 8);
        printf("%-44s %6ld calls  %5ld monitor calls  %4ld threads  %016llx%s\n", f->name, r->calls, r->monitor_calls,
               r->threads, (unsigned long long)r->digest, failed ? "  FAILED" : "");
    }
    printf("%ld calls, %d functions failed\ndigest %016llx\n", total, failures, (unsigned long long)all_digests);
    return failures > 0;
}
