/* fuzz.c - libFuzzer's bytes, decoded into calls of the functions that nepit.h declares; README.md says how to use it.
 *
 * The harness makes a trial of random numbers (Tests/CHarness/trial.h). Here the numbers are libFuzzer's bytes while
 * there are any, so that each choice - the function, extents, element types, strides, data, numbers, records, threads,
 * what is wrong - is a byte or a few that it can vary, guided by the branches that a call takes inside the library.
 * No function is named here: what stands in the header is a target.
 */
#include "trial.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The library under the address sanitizer, whose branches are watched; and shipped ones, to give the same bits. */
static const char instrumented_path[] = "build/address/libnepit.so";
static const char *const levels[] = {"x86-64", "x86-64-v3", "x86-64-v4"};
enum { LEVELS = sizeof levels / sizeof *levels };

static description all;
static void *instrumented;
static struct {
    void *library;
    const char *isa;
} shipped[LEVELS];

/* The same file loaded again would be the same library: each level has a copy, which asks NEPIT_ISA once. */
static void open_shipped(int i) {
    char path[64];
    snprintf(path, sizeof path, "build/fuzz/%s/libnepit.so", levels[i]);
    setenv("NEPIT_ISA", levels[i], 1);
    shipped[i].library = open_library(path);
    const char *(*const isa)(void) = (const char *(*)(void))find_symbol("nepit_isa");
    shipped[i].isa = isa();
    if (strcmp(shipped[i].isa, levels[i]) != 0) printf("fuzz: this processor has no %s\n", levels[i]);
    unsetenv("NEPIT_ISA");
}

int LLVMFuzzerInitialize(int *count, char ***words) {
    (void)count;
    (void)words;
    static const options how = {.problems = 1};
    how_to_run = &how;
    all = read_description("build/contract.txt");
    prepare_objects(&all);
    for (int i = 0; i < LEVELS; i++) open_shipped(i);
    instrumented = open_library(instrumented_path);
    return 0;
}

/* By a word of the input and the names, so that a function more takes few inputs from the others. */
static const function *choose_function(uint64_t word) {
    const function *chosen = NULL;
    uint64_t best = 0;
    for (int i = 0; i < all.count; i++) {
        const function *candidate = &all.functions[i];
        if (candidate->returns_string) continue;
        uint64_t rank = fnv1a(FNV_START, word, 2);
        for (const char *name = candidate->name; *name != 0; name++) rank = fnv1a(rank, (unsigned char)*name, 1);
        rank ^= rank >> 32;
        rank *= UINT64_C(0x9e3779b97f4a7c15);
        if (chosen == NULL || rank > best) {
            chosen = candidate;
            best = rank;
        }
    }
    return chosen;
}

static void use(void *library) {
    use_library(library);
    symbol = find_symbol(f->name);
    if (symbol == NULL) give_up("the library has no %s", f->name);
}

/* ---------------------------------------------------------------- sameness */

/* The shipped library, on each instruction set, gives the bits of the reference. */
static void agree_shipped(void) {
    for (int i = 0; i < LEVELS; i++) {
        use(shipped[i].library);
        now("the shipped library on %s", shipped[i].isa);
        agree(&plainly);
    }
    use(instrumented);
}

/* With threads, a monitor, another floating-point environment. */
static void agree_somehow(void) {
    static const int32_t threads[] = {1, 2, 3, 8};
    monitored seen;
    nepit_execution execution = {sizeof execution, PICK(threads), NULL, &seen};
    manner how = plainly;
    how.mxcsr = strange_mxcsr();
    how.execution = &execution;
    if (chance(2)) {
        execution.monitor = ffi_monitor();
        how.monitor = &seen;
        expect_monitor(&seen, 0, how.mxcsr);
    }
    now("%d threads, MXCSR 0x%04x", execution.threads, how.mxcsr);
    agree(&how);
}

/* ------------------------------------------------------- small floats, wide */

static bool is_tame(double x) { return x == 0 || (fabs(x) > 0x1p-60 && fabs(x) < 0x1p60); }

/* Whether a bound is promised for the trial: small floats, numbers not at the ends of their range. */
static bool has_bound(void) {
    bool small = false;
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        const block *b = &t.blocks[i];
        if (p->kind == OBJECT || p->kind == MADE) return false;
        if (p->kind == NUMBER && !(t.scalars[i].number == 0 || (fabs(t.scalars[i].number) > 1e-6 && fabs(t.scalars[i].number) <= 100))) return false;
        if (p->kind == RECORD && t.has_record) return false;
        if (p->kind != ARRAY || !b->present) continue;
        if (!dtype_is_float(b->dtype) || b->dtype == NEPIT_F64) return false;
        small = true;
        for (size_t k = 0; k < b->rows * b->cols; k++) {
            if (!is_tame(float_value(b->plain + k * b->size, b->dtype))) return false;
        }
    }
    return small;
}

/* The same values as float64 give, of what is no array, the same results but for the small floats' bound, 2^-21. */
static void agree_wide(void) {
    static double wide[MAX_PARAMETERS][1 << 16];
    const double bound = 0x1p-19;
    const trial whole = t;
    for (int i = 0; i < f->count; i++) {
        block *b = &t.blocks[i];
        const parameter *p = b->p;
        const size_t elements = b->rows * b->cols;
        if (!b->present) continue;
        if (elements > sizeof *wide / sizeof **wide) goto end;
        if (p->kind == MUTABLE && p->optional) {
            b->present = false;
            continue;
        }
        for (size_t k = 0; p->kind == ARRAY && k < elements; k++) {
            wide[i][k] = float_value(b->plain + k * b->size, b->dtype);
        }
        if (p->kind != ARRAY && !p->out) memcpy(wide[i], b->plain, elements * b->size);
        if (p->kind == ARRAY || p->kind == MUTABLE) {
            b->dtype = NEPIT_F64;
            b->size = 8;
        }
        b->low = b->data = b->watch = (unsigned char *)wide[i];
        b->span = b->watched = elements * b->size;
        b->row_stride = (ptrdiff_t)b->cols;
        b->col_stride = 1;
    }
    now("the same values as float64");
    value values[MAX_PARAMETERS];
    gather(values, &plainly);
    if (make_call(values, &plainly, NEPIT_OK) != NEPIT_OK) goto end;
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        const block *b = &whole.blocks[i];
        if (p->kind != DOUBLES || !p->out || !b->present) continue;
        for (size_t k = 0; k < b->rows * b->cols; k++) {
            double small;
            memcpy(&small, b->plain + k * 8, 8);
            const double error = fabs(small - wide[i][k]), scale = fmax(fabs(small), fabs(wide[i][k]));
            if (double_bits(small) == double_bits(wide[i][k]) || error <= bound * scale) continue;
            problem("%s[%zu] is %a, of float64 %a", p->name, k, small, wide[i][k]);
        }
    }
end:
    t = whole;
}

/* ----------------------------------------------------------------- hostile */

static size_t any_size(void) {
    const uint64_t word = next();
    return word >> (word & 63);
}

static ptrdiff_t any_stride(void) { return (ptrdiff_t)any_size() * (chance(2) ? 1 : -1); }

/* An array that is not the block's. False if the call would read or write what is not the block's: the header promises
 * nothing for an array that is not there. */
static bool distort(nepit_mutable_array *a, const block *b) {
    if (chance(3)) {
        const nepit_dtype dtype = (nepit_dtype)(chance(2) ? next() : below(16));
        if (NEPIT_F64 <= dtype && dtype <= NEPIT_U64 && dtype_size(dtype) != b->size) return false;
        a->dtype = dtype;
    }
    if (chance(3)) a->rows = any_size();
    if (chance(3)) a->cols = any_size();
    if (chance(3)) a->row_stride = any_stride();
    if (chance(3)) a->col_stride = any_stride();
    if (a->rows == 0 || a->cols == 0) return true;
    const unsigned __int128 elements = (unsigned __int128)a->rows * a->cols;
    if (elements >= (unsigned __int128)1 << 60) return true;
    const __int128 down = (__int128)(a->rows - 1) * a->row_stride, along = (__int128)(a->cols - 1) * a->col_stride;
    const __int128 size = (__int128)b->size, start = b->data - b->low;
    const __int128 least = start + ((down < 0 ? down : 0) + (along < 0 ? along : 0)) * size;
    const __int128 end = start + ((down > 0 ? down : 0) + (along > 0 ? along : 0) + 1) * size;
    if (end - least > PTRDIFF_MAX) return true;
    if (a->rows > b->rows || a->cols > b->cols) return false;
    const bool moved = a->row_stride != b->row_stride || a->col_stride != b->col_stride;
    return least >= 0 && end <= (__int128)b->span && !(moved && b->p->out);
}

/* One argument replaced by bytes, where the header says what must come of it; or as it was. */
static void replace(value *v, int i, manner *how) {
    static nepit_execution execution;
    const parameter *p = &f->parameters[i];
    const value kept = *v;
    unsigned char record[MAX_RECORD];
    switch (p->kind) {
    case ARRAY:
    case LABELS:
    case MUTABLE:
        if (!t.blocks[i].present) return;
        if (chance(6)) v->mutable.data = NULL;
        else if (!distort(&v->mutable, &t.blocks[i])) *v = kept;
        return;
    case NUMBER:
    case BASE: {
        const uint64_t bits = next();
        memcpy(&v->number, &bits, 8);
        return;
    }
    case CHOICE: v->status = (int32_t)(chance(2) ? next() : below(8)); return;
    case COUNT:
        /* With as few as there are rows, others would be needed. */
        v->count = any_size();
        if (v->count != 0 && v->count <= t.rows) *v = kept;
        return;
    case EXECUTION:
        execution = (nepit_execution){chance(2) ? sizeof execution : any_size(), (int32_t)next(), NULL, NULL};
        if (chance(2)) execution.threads &= 7;
        v->execution = how->execution = &execution;
        return;
    case RECORD: {
        memcpy(record, t.record, sizeof record);
        if (chance(4)) {
            const size_t size = any_size();
            memcpy(record, &size, sizeof size);
        }
        for (size_t k = 1 + below(3); k > 0; k--) {
            const uint64_t bits = next();
            memcpy(record + sizeof(size_t) + below(p->record_size - sizeof bits - sizeof(size_t) + 1), &bits, sizeof bits);
        }
        v->pointer = placed_record(record, p->record_size);
        return;
    }
    default: v->pointer = NULL;
    }
}

/* Any labels, any numbers behind pointers; then arguments that are bytes. Nothing but the status is expected. */
static void call_with_anything(void) {
    manner how = plainly;
    how.is_distorted = true;
    how.mxcsr = strange_mxcsr();
    for (int i = 0; i < f->count; i++) {
        block *b = &t.blocks[i];
        if (!b->present || b->p->out || b->p->kind == ARRAY || chance(2)) continue;
        for (size_t k = 1 + below(3); k > 0 && b->span >= b->size; k--) {
            const uint64_t bits = next() >> below(64);
            memcpy(b->low + below(b->span / b->size) * b->size, &bits, b->size);
        }
    }
    if (chance(2)) alter_objects();
    value values[MAX_PARAMETERS];
    gather(values, &how);
    for (size_t n = below(4); n > 0; n--) {
        const int i = (int)below((size_t)f->count);
        replace(&values[i], i, &how);
    }
    now("anything");
    make_call(values, &how, ANY_STATUS);
}

/* ------------------------------------------------------------------ inputs */

static bool has_array(void) {
    for (int i = 0; i < f->count; i++) {
        if (f->parameters[i].kind == ARRAY) return true;
    }
    return false;
}

/* A function of objects alone; of the other libraries one is asked. */
static void run_objects(void) {
    if (f->returns_nothing || chance(3)) {
        object_trial();
        return;
    }
    const int32_t status = altered_trial();
    const int i = (int)below(LEVELS);
    use(shipped[i].library);
    now("altered objects, by the shipped library on %s", shipped[i].isa);
    agree_altered(status);
    use(instrumented);
}

static void run(void) {
    prepare_blocks();
    use(instrumented);
    if (has_object() && !has_array()) {
        run_objects();
        return;
    }
    enum { SHIPPED, SOMEHOW, PLACES, WIDE, ANYTHING, WAYS } way = (int)below(WAYS);
    choose_trial(false, way == WIDE);
    if (way == ANYTHING) {
        call_with_anything();
        return;
    }
    refer();
    now("strides, alignment, gaps");
    agree(&plainly);
    switch (way) {
    case SHIPPED: agree_shipped(); break;
    case SOMEHOW: agree_somehow(); break;
    case WIDE:
        if (has_bound()) agree_wide();
        break;
    default:
        agree_alone();
        agree_in_place();
        agree_overlapping();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    if (count < 2) return -1;
    f = choose_function((uint64_t)(bytes[0] | bytes[1] << 8));
    memset(&t.scalars, 0, sizeof t.scalars);
    t.rows = t.cols = t.results = t.members = 0;
    t.has_record = false;
    give_bytes(bytes + 2, count - 2);
    if (setjmp(give_up_function) != 0) {
        fflush(stdout);
        abort();
    }
    run();
    return 0;
}
