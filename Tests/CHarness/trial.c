/* trial.c - makes random calls, and checks each. */
#include "trial.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

enum {
    MARGIN = 192,                   /* bytes watched beside an array, where the guard page is on its other side */
    BORROWED = 4 << 20,             /* what a call may borrow, for each thread */
    LARGE_CELLS = 80000,            /* elements of a large trial: enough for several threads */
    SECONDS = 300,                  /* after which one function's run counts as hanging, of the usual number of calls */
};

const manner plainly = {.mxcsr = DEFAULT_MXCSR, .refuse = REFUSE_NOTHING};

const function *f;
any_function symbol;
const options *how_to_run;
trial t;
uint64_t digest;
watched last_call;
long calls, faults, monitor_calls, thread_starts;
int problems;
jmp_buf give_up_function;

static char doing[256];
static sigjmp_buf crash;            /* out of a call that crashed */
static volatile sig_atomic_t calling;
static pthread_t main_thread;

static void *allocated(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) give_up("no memory");
    return memory;
}

unsigned char *guarded(size_t bytes) {
    unsigned char *memory = allocated(bytes + 2 * PAGE);
    mprotect(memory, PAGE, PROT_NONE);
    mprotect(memory + PAGE + bytes, PAGE, PROT_NONE);
    return memory + PAGE;
}

/* ----------------------------------------------------------------- random */

static uint64_t random_state;
static const unsigned char *given;  /* what the next numbers are made of, while there are bytes left */
static size_t given_left;

void seed_random(uint64_t seed) { random_state = seed; }
uint64_t hold_random(void) { return random_state; }

void give_bytes(const unsigned char *bytes, size_t count) {
    random_state = FNV_START;
    for (size_t i = 0; i < count; i++) random_state = fnv1a(random_state, bytes[i], 1);
    given = bytes;
    given_left = count;
}

static uint64_t mixed(void) {       /* SplitMix64 */
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A number of so many bytes, the low ones first. */
static uint64_t number(size_t bytes) {
    if (given_left == 0) return mixed();
    if (bytes > given_left) bytes = given_left;
    uint64_t word = 0;
    memcpy(&word, given, bytes);
    given += bytes;
    given_left -= bytes;
    return word;
}

uint64_t next(void) { return number(8); }
size_t below(size_t n) { return (size_t)(number(n <= 1 << 8 ? 1 : n <= 1 << 16 ? 2 : 8) % n); }
bool chance(size_t n) { return below(n) == 0; }

static double fraction(uint64_t word) { return (double)(word >> 11) * 0x1p-53; }
double unit(void) { return given_left == 0 ? fraction(mixed()) : (double)number(3) * 0x1p-24; }

void fill_random(unsigned char *at, size_t bytes) {
    /* Now and then ones throughout: NaN in every floating-point type, and the largest or -1 in every integer. */
    const bool ones = chance(8);
    for (size_t i = 0; i < bytes; i += 8) {
        const uint64_t word = ones ? UINT64_MAX : mixed();
        memcpy(at + i, &word, bytes - i < 8 ? bytes - i : 8);
    }
}

/* ---------------------------------------------------------------- records */

static double field_value(const field *which) {
    if (which->type == A_DOUBLE) {
        double x;
        memcpy(&x, t.record + which->offset, 8);
        return x;
    }
    if (which->type == AN_INT64) {
        int64_t x;
        memcpy(&x, t.record + which->offset, 8);
        return (double)x;
    }
    int32_t x;
    memcpy(&x, t.record + which->offset, 4);
    return x;
}

unsigned char *placed_record(const unsigned char *bytes, size_t size) {
    static unsigned char *arena;
    if (arena == NULL) arena = guarded(PAGE);
    unsigned char *at = arena + PAGE - (size + 7) / 8 * 8;
    memcpy(at, bytes, size);
    return at;
}

bool is_mean(void) {
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        if (p->kind == CHOICE && strcmp(p->name, "reduction") == 0) return t.scalars[i].status == NEPIT_REDUCTION_MEAN;
        for (int k = 0; p->kind == RECORD && k < p->field_count; k++) {
            if (strcmp(p->fields[k].name, "reduction") != 0) continue;
            return !t.has_record || field_value(&p->fields[k]) == NEPIT_REDUCTION_MEAN;
        }
    }
    return false;
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
        case CHOICE: fprintf(to, ", %s %d", p->name, t.scalars[i].status); break;
        case RECORD:
            fprintf(to, ", %s", p->name);
            if (!t.has_record) fprintf(to, " NULL");
            for (int k = 0; t.has_record && k < p->field_count; k++) {
                fprintf(to, " %s %a", p->fields[k].name, field_value(&p->fields[k]));
            }
            break;
        case EXECUTION:
        case OBJECT:
        case MADE:
        case SUMMARY:
        case BYTES:
        case SIZES:
        case STATUS: break;
        default:
            if (!b->present) fprintf(to, ", %s absent", p->name);
            else fprintf(to, ", %s %s[%zu, %zu] strides %td, %td", p->name, dtype_name(b->dtype), b->rows, b->cols,
                         b->row_stride, b->col_stride);
        }
    }
    fputc('\n', to);
    if (how_to_run->calls == 0) return;     /* libFuzzer says how */
    fprintf(to, "    again: charness contract --only %s --seed %llu --calls %ld\n", f->name,
            (unsigned long long)how_to_run->seed, how_to_run->calls);
}

void problem(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("%s: %s: ", f->name, doing);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    describe_trial(stdout);
    if (++problems == how_to_run->problems) longjmp(give_up_function, 1);
}

void now(const char *format, ...) {
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

void catch_crashes(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM};
    const stack_t stack = {.ss_sp = allocated(1 << 16), .ss_size = 1 << 16};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    main_thread = pthread_self();
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
    alarm((unsigned)(SECONDS * (1 + how_to_run->calls / 3000)));
}

/* ----------------------------------------------------------------- blocks */

bool is_block(const parameter *p) {
    return is_read(p) || p->kind == MUTABLE || p->kind == DOUBLES || p->kind == INT32S || p->kind == INT64S;
}

/* One row for each group of rows. */
static bool is_grouped(const parameter *p) { return strncmp(p->extent[0], "rows/", 5) == 0; }

static size_t extent_of(const parameter *p, int axis) {
    const char *name = p->extent[axis];
    if (name[0] == 0) return 1;
    if (strcmp(name, "cols") == 0) return t.cols;
    if (strcmp(name, "1") == 0 || strcmp(name, "2") == 0) return (size_t)(name[0] - '0');
    if (strcmp(name, "rows") == 0) return p->out ? t.results : t.rows;
    if (is_grouped(p)) return t.results / t.members;
    if (name[0] >= '0' && name[0] <= '9') return strtoul(name, NULL, 10);
    return t.members;               /* header.py lets no other name through: it is the COUNT's */
}

static unsigned char *element_at(const block *b, size_t row, size_t col) {
    return b->data + ((ptrdiff_t)row * b->row_stride + (ptrdiff_t)col * b->col_stride) * (ptrdiff_t)b->size;
}

static unsigned char *plain_at(const block *b, size_t row, size_t col) {
    return b->plain + (row * b->cols + col) * b->size;
}

/* Puts a block with the strides it has at one end of its arena: beside the guard page before or after it. */
void place(block *b, bool at_end) {
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

void prepare_blocks(void) {
    for (int i = 0; i < f->count; i++) {
        block *b = &t.blocks[i];
        b->p = &f->parameters[i];
        b->present = false;
        if (!is_block(b->p) || b->arena != NULL) continue;
        b->arena = guarded(ARENA_BYTES);
        b->copy = allocated(ARENA_BYTES);
        b->plain = allocated(ARENA_BYTES);
    }
}

/* Strides that no two elements of an output share memory under; an input may do as it likes. */
static void choose_strides(block *b, bool plain, bool large) {
    const ptrdiff_t rows = (ptrdiff_t)b->rows, cols = (ptrdiff_t)b->cols;
    ptrdiff_t row = cols, col = 1;
    if (t.side_by_side && is_read(b->p)) {
        row = 1;
        col = rows + (ptrdiff_t)below(3);
    } else if (!plain && (is_read(b->p) || b->p->kind == MUTABLE)) {
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
void lay_out(block *b) {
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
    const double shared = fraction(mixed()) + 0x1p-20;
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
            double x = scale * datum(flavour, c, base);
            if (b->p->is_floating && flavour < EXTREME) x = chance(100) ? -INFINITY : 20 * x - 10; /* logits */
            put_element(at, b->dtype, x);
            const uint64_t anything = flavour == ANYTHING ? next() : 0;
            if (flavour == ANYTHING) memcpy(at, &anything, b->size);
        }
    }
}

/* Columns, and now and then the label that is ignored: the record's, or the default. */
static void choose_labels(block *b) {
    double ignored = -100;
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        for (int k = 0; p->kind == RECORD && t.has_record && k < p->field_count; k++) {
            if (strcmp(p->fields[k].name, "ignore_index") == 0) ignored = field_value(&p->fields[k]);
        }
    }
    for (size_t r = 0; r < b->rows * b->cols; r++) {
        const double label = chance(6) ? ignored : (double)below(t.cols);
        put_element(b->plain + r * b->size, b->dtype, label);
    }
}

bool fits_field(const field *p, double x) {
    return (x > p->low || (p->low_closed && x == p->low)) && (x < p->high || (p->high_closed && x == p->high));
}

/* A record's fields within their intervals; what is ignored stays what it is by default, or becomes a column. */
static void choose_record(const parameter *p) {
    static const double special[] = {0, 0.5, 1, 2, 0x1p-1074, 1e-300, 1e300, 30, 1e-4, DBL_MAX};
    const size_t size = p->record_size;
    t.has_record = !chance(4);
    fill_random(t.record, sizeof t.record);
    memcpy(t.record, &size, sizeof size);
    for (int k = 0; k < p->field_count; k++) {
        const field *which = &p->fields[k];
        double x;
        if (which->type == AN_INT64) {
            x = chance(3) ? (double)below(t.cols) : -100;
        } else if (which->type == AN_INT32) {
            x = which->low + (double)below((size_t)(which->high - which->low) + 1);
        } else {
            const double high = which->high > which->low + 3 ? which->low + 3 : which->high;
            do x = chance(3) ? PICK(special) : which->low + unit() * (high - which->low);
            while (!fits_field(which, x));
        }
        /* Labels that are chosen where there is no record stay right when there is one. */
        if (!t.has_record && strcmp(which->name, "ignore_index") == 0) x = -100;
        put_field(t.record, which, x);
    }
}

bool fits(const parameter *p, double x) {
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
void gather(value *values, const manner *how) {
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        const block *b = &t.blocks[i];
        memset(&values[i], 0xa5, sizeof values[i]);     /* padding is nobody's business */
        switch (p->kind) {
        case ARRAY:
        case LABELS:
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
        case INT64S:
        case INT32S: values[i].pointer = b->present ? b->data : NULL; break;
        case RECORD: values[i].pointer = t.has_record ? placed_record(t.record, p->record_size) : NULL; break;
        case EXECUTION: values[i].execution = how->execution; break;
        case OBJECT: values[i].pointer = LOADED; break;
        default: values[i] = t.scalars[i];
        }
    }
}

#if ADDRESS_SANITIZER
/* What is watched and is no element may neither be read nor written: the address sanitizer sees to it. Of eight bytes
 * it knows how many may be touched, counted from the first. */
static void close_gaps(bool between) {
    for (int i = 0; i < f->count; i++) {
        const block *b = &t.blocks[i];
        if (b->present) __asan_poison_memory_region(b->watch, b->watched);
    }
    for (int i = 0; i < f->count; i++) {    /* a gap of one may be an element of another */
        const block *b = &t.blocks[i];
        if (!b->present) continue;
        if (!between) __asan_unpoison_memory_region(b->low, b->span);
        for (size_t r = 0; between && r < b->rows; r++) {
            for (size_t c = 0; c < b->cols; c++) __asan_unpoison_memory_region(element_at(b, r, c), b->size);
        }
    }
}

static void open_gaps(void) {
    for (int i = 0; i < f->count; i++) {
        const block *b = &t.blocks[i];
        if (b->present) __asan_unpoison_memory_region(b->watch, b->watched);
    }
}

/* Called when the address sanitizer has found something. */
void __asan_on_error(void) {
    set_mxcsr(DEFAULT_MXCSR);
    printf("%s: %s: the address sanitizer objects\n", f->name, doing);
    describe_trial(stdout);
    fflush(stdout);
}
#else
static void close_gaps(bool between) { (void)between; }
static void open_gaps(void) {}
#endif

/* Makes a call and checks everything about it but its results: the status, the bytes that are nobody's, the
 * floating-point environment, memory and threads. Returns the status. */
int32_t make_call(value *values, const manner *how, int expected) {
    for (int i = 0; i < f->count; i++) {
        const block *b = &t.blocks[i];
        if (b->present) memcpy(b->copy, b->watch, b->watched);
    }
    sigset_t mask_before, mask_after;       /* of which the kernel writes a part */
    memset(&mask_before, 0, sizeof mask_before);
    memset(&mask_after, 0, sizeof mask_after);
    pthread_sigmask(SIG_BLOCK, NULL, &mask_before);
    const uint16_t x87 = get_x87();
    if (how->refuse == REFUSE_NOTHING) calls++;
    if (sigsetjmp(crash, 0) != 0) {
        calling = false;
        watch_stop();
        pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
        if (++problems == how_to_run->problems) longjmp(give_up_function, 1);
        return CRASHED;
    }
    load_objects(values);
    close_gaps(!how->is_distorted);
    calling = true;
    watch_start(how->refuse, how->refuse_from, how->refuse_count);
    set_mxcsr(how->mxcsr);
    const int32_t status = call_through_ffi(f, symbol, values);
    const uint32_t mxcsr = get_mxcsr();
    set_mxcsr(DEFAULT_MXCSR);
    calling = false;
    const watched seen = last_call = watch_stop();
    open_gaps();
    faults += seen.failed > 0 || seen.refused > 0;
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
    finish_objects(values, status, seen.live);
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
void compare(size_t group) {
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
void agree(const manner *how) {
    value values[MAX_PARAMETERS];
    gather(values, how);
    const int32_t status = make_call(values, how, NEPIT_OK);
    if (status != NEPIT_OK) return;
    compare(0);
    compare_objects();
}

uint32_t strange_mxcsr(void) {
    if (how_to_run->default_environment) return DEFAULT_MXCSR;
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
    t.side_by_side = !large && chance(6);
    t.members = 1;
    for (int i = 0; i < f->count; i++) {
        if (f->parameters[i].kind != COUNT) continue;
        t.members = t.scalars[i].count = 1 + below(5);
        if (t.members < f->parameters[i].low) give_up("%s: no small %s", f->name, f->parameters[i].name);
    }
    if (large) {
        static const size_t cols[] = {3, 17, 40, 256, 1000, 4099, 20011, 65536, LARGE_CELLS};
        t.cols = PICK(cols);
        const size_t groups = LARGE_CELLS / t.cols / t.members;
        t.rows = (groups > 0 ? groups : 1) * t.members;
    } else if (t.side_by_side) {
        t.cols = 2 + below(40);
        t.rows = t.members * (16 + below(33));
    } else {
        t.cols = choose_cols();
        t.rows = t.members * (1 + below(t.cols > 300 ? 2 : 6));
    }
    t.results = t.rows;
}

/* A valid call with everything at random. Few rows may be bad when it is tame. */
void choose_trial(bool large, bool tame) {
    static const nepit_dtype floats[] = {NEPIT_F64, NEPIT_F64, NEPIT_F32, NEPIT_F16, NEPIT_BF16};
    choose_shape(large);
    const uint64_t base = next();
    int arrays = 0, single = -1;
    for (int i = 0; i < f->count; i++) arrays += f->parameters[i].kind == ARRAY;
    const bool repeats = strcmp(f->section, "losses") != 0;     /* there rows agree in number */
    if (arrays > 1 && repeats && chance(3)) single = (int)below((size_t)arrays);
    const bool one_dtype = t.side_by_side || chance(2);
    const nepit_dtype any = (nepit_dtype)(NEPIT_F64 + (int)below(12));
    const nepit_dtype common = t.side_by_side ? floats[1 + below(2)] : chance(2) ? PICK(floats) : any;
    const bool plain = chance(6);
    for (int i = 0, array = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        block *b = &t.blocks[i];
        b->p = p;
        switch (p->kind) {
        case NUMBER:
        case BASE: t.scalars[i].number = choose_number(p); continue;
        case STATUS: t.scalars[i].status = (int32_t)next(); continue;
        case CHOICE: t.scalars[i].status = (int32_t)p->low + (int32_t)below((size_t)(p->high - p->low) + 1); continue;
        case RECORD: choose_record(p); continue;
        case COUNT:
        case EXECUTION: continue;
        case LABELS: b->dtype = chance(2) ? NEPIT_I32 : NEPIT_I64; break;
        case INT64S: b->dtype = NEPIT_I64; break;
        case OBJECT:
        case MADE:
        case SUMMARY:
        case BYTES:
        case SIZES: continue;
        case ARRAY:
            b->dtype = one_dtype ? common : (nepit_dtype)(NEPIT_F64 + (int)below(12));
            if (p->is_floating && !dtype_is_float(b->dtype)) b->dtype = PICK(floats);
            break;
        case MUTABLE:
            b->dtype = PICK(floats);
            if (p->place >= 0 && chance(2) && dtype_is_float(t.blocks[p->place].dtype)) {
                b->dtype = t.blocks[p->place].dtype;
            }
            break;
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
        } else if (p->kind == DOUBLES) {
            for (size_t r = 0; r < b->rows; r++) ((double *)b->plain)[r] = r == 0 || chance(3) ? 1 + unit() : 0;
        }
    }
    for (int i = 0; i < f->count; i++) {
        if (f->parameters[i].kind == LABELS) choose_labels(&t.blocks[i]);
        if (is_block(&f->parameters[i])) lay_out(&t.blocks[i]);
    }
    choose_objects();
}

/* The reference: the same values, adjacent and aligned, in the plain manner. */
void refer(void) {
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
    if (status == NEPIT_OK) refer_objects();
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
void agree_alone(void) {
    if (t.results <= t.members || is_mean()) return;
    const trial whole = t;
    const size_t group = below(t.results / t.members);
    now("group %zu alone", group);
    for (int i = 0; i < f->count; i++) {
        block *b = &t.blocks[i];
        /* What all rows have together is not one row's. */
        if (b->present && b->p->out && strncmp(b->p->extent[0], "rows", 4) != 0) b->present = false;
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

/* An output in the very memory of the input that its comment names. */
void agree_in_place(void) {
    for (int i = 0; i < f->count; i++) {
        const int k = f->parameters[i].place;
        const trial whole = t;
        block *b = &t.blocks[i], *input = &t.blocks[k < 0 ? 0 : k];
        if (k < 0 || !b->present || b->dtype != input->dtype) continue;
        now("%s in place of %s", b->p->name, input->p->name);
        lay_out(b);
        for (size_t r = 0; r < b->rows; r++) {
            for (size_t c = 0; c < b->cols; c++) memcpy(element_at(b, r, c), plain_at(input, r, c), b->size);
        }
        input->present = false;
        value values[MAX_PARAMETERS];
        gather(values, &plainly);
        values[k].mutable = values[i].mutable;
        if (make_call(values, &plainly, NEPIT_OK) == NEPIT_OK) compare(0);
        t = whole;
    }
}

/* Two inputs over the same memory, as the header allows: another view of what one of them is read from, maybe as another
 * type. The trial has another input then. */
void agree_overlapping(void) {
    int inputs[MAX_PARAMETERS], count = 0;
    for (int i = 0; i < f->count; i++) {
        if (f->parameters[i].kind == ARRAY && t.blocks[i].present) inputs[count++] = i;
    }
    if (count < 2) return;
    const size_t first = below((size_t)count), second = (first + 1 + below((size_t)count - 1)) % (size_t)count;
    const block *whole = &t.blocks[inputs[first]];
    block *view = &t.blocks[inputs[second]];
    if (view->cols > whole->cols || whole->rows == 0 || (view->rows > whole->rows && whole->rows > 1)) return;
    const nepit_dtype dtype = chance(2) ? whole->dtype : (nepit_dtype)(NEPIT_F64 + (int)below(12));
    if (dtype_size(dtype) != whole->size || (view->p->is_floating && !dtype_is_float(dtype))) return;
    view->dtype = dtype;
    view->size = whole->size;
    view->low = whole->low;
    view->span = whole->span;
    view->watch = whole->watch;
    view->watched = whole->watched;
    /* The rows and columns of the whole, in their order or from the last one back. */
    const bool down = chance(2), along = chance(2);
    view->row_stride = whole->rows == 1 || view->rows == 1 ? 0 : down ? whole->row_stride : -whole->row_stride;
    view->col_stride = whole->cols == 1 || view->cols == 1 ? 0 : along ? whole->col_stride : -whole->col_stride;
    view->data = element_at(whole, down || whole->rows == 1 ? 0 : whole->rows - 1, along || whole->cols == 1 ? 0 : whole->cols - 1);
    for (size_t r = 0; r < view->rows; r++) {
        for (size_t c = 0; c < view->cols; c++) memcpy(plain_at(view, r, c), element_at(view, r, c), view->size);
    }
    now("%s over the memory of %s, strides %td, %td", view->p->name, whole->p->name, view->row_stride, view->col_stride);
    refer();
    now("%s over the memory of %s, strides %td, %td", view->p->name, whole->p->name, view->row_stride, view->col_stride);
    agree(&plainly);
}
