/* contract.c - every function against what nepit.h says of it; no function is named here.
 *
 * A trial is one valid call: random extents, element types, strides and data, in memory that ends (or begins) at a page
 * that cannot be touched. Its results with everything plain - adjacent elements, one thread, the default environment -
 * are the reference; then the same call is made in every other way that must not change a bit, and with one thing
 * wrong at a time, which must give the status that names it and write nothing. Each function runs in a process of its
 * own, so that a crash is a finding with a name.
 */
#include "trial.h"

#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char *record_arena; /* one page before a guard page, for execution records */

/* The trial without memory, or threads, at each of its requests in turn: the one alone, and all from it on. The results
 * are the same, or the status is NEPIT_ERROR_MEMORY from a function that says it allocates. Of hundreds of requests some
 * are skipped. */
static void refused_calls(int what, bool large) {
    if (!large && what == REFUSE_THREADS) return;   /* no small call starts one */
    const nepit_execution execution = {sizeof execution, large ? 8 : 3, NULL, NULL};
    manner how = plainly;
    how.execution = &execution;
    how.refuse = what;
    value values[MAX_PARAMETERS];
    /* How many requests there are may depend on the instruction set; the trials that follow may not. */
    const uint64_t later = hold_random();
    for (int request = 0;; request += request < 16 ? 1 : 1 + (int)below(32)) {
        for (int alone = 0; alone < 2; alone++) {
            how.mxcsr = strange_mxcsr();
            how.refuse_from = request;
            how.refuse_count = alone ? 1 : INT_MAX;
            now("no %s %s %d. request", what == REFUSE_MEMORY ? "memory" : "thread", alone ? "at the" : "from the", request + 1);
            gather(values, &how);
            const int32_t status = make_call(values, &how, ANY_STATUS);
            if (status == NEPIT_OK) {
                compare(0);
                compare_objects();
            } else if (status != CRASHED && (what != REFUSE_MEMORY || status != NEPIT_ERROR_MEMORY)) {
                problem("the status is %s", status_name(status));
            }
        }
        if (last_call.failed + last_call.refused == 0) break;
    }
    seed_random(later);
    now("once more, with all");
    agree(&plainly);
}

/* The trial in every way that must not change its results. */
static void valid_trial(bool large) {
    const int32_t threads[] = {1, 0, 2 + (int32_t)below(6), 8};
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
    agree_in_place();

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

    bool has_execution = false;
    for (int i = 0; i < f->count; i++) has_execution |= f->parameters[i].kind == EXECUTION;
    if (has_execution && (large || chance(4))) {
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

    refused_calls(REFUSE_MEMORY, large);
    refused_calls(REFUSE_THREADS, large);
    agree_overlapping();
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
        if (!is_read(&f->parameters[k]) && f->parameters[k].kind != MUTABLE) continue;
        if (axis == 1 || f->parameters[k].kind == MUTABLE || (b->rows > 1 && t.blocks[i].rows > 1)) return true;
    }
    return false;
}

/* The results if input array i is not there. */
static size_t results_without(int i) {
    size_t rows = 0;
    for (int k = 0; k < f->count; k++) {
        if (k != i && is_read(&f->parameters[k]) && t.blocks[k].rows > rows) rows = t.blocks[k].rows;
    }
    return rows;
}

static void wrong_dtypes(int i) {
    /* The last are types again where only some of their bits are looked at. */
    static const nepit_dtype none[] = {0, 13, 14, -1, -2, INT32_MAX, INT32_MIN, 1 << 8 | NEPIT_F64, 1 << 16 | NEPIT_F32,
                                       INT32_MIN | NEPIT_F64};
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
        now("%s of dtype %d", f->parameters[i].name, none[k]);
        wrong_values[i].array.dtype = none[k];
        wrong_call(NEPIT_ERROR_DTYPE);
    }
    const parameter *p = &f->parameters[i];
    for (nepit_dtype dtype = NEPIT_F64; dtype <= NEPIT_U64; dtype++) {
        if (dtype_is_float(dtype) || (p->kind != MUTABLE && !p->is_floating)) continue;
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
    now("%s with 2^60 elements in one", name);
    a->cols = (size_t)1 << 60;
    a->col_stride = 0;
    wrong_call(NEPIT_ERROR_SHAPE);
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
    if (is_read(p) || p->kind == MUTABLE) wrong_values[i].mutable.data = NULL;
    else wrong_values[i].pointer = NULL;
    const bool fewer = is_read(p) && results_without(i) != t.results;
    wrong_call(!p->optional ? NEPIT_ERROR_NULL : fewer ? ANY_STATUS : NEPIT_OK);

    /* Elements that are not aligned to their size, which one row or column more could not mend. */
    const size_t size = t.blocks[i].size;
    for (size_t off = 1; (is_read(p) || p->kind == MUTABLE) && off < size; off++) {
        now("%s %zu bytes off", p->name, off);
        wrong_values[i].mutable.data = t.blocks[i].data + off;
        wrong_call(NEPIT_ERROR_SHAPE);
    }

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

/* Labels that are no column. */
static void wrong_labels(int i) {
    block *b = &t.blocks[i];
    static const double none[] = {-1, -99, -101, INT32_MIN, INT32_MAX};
    for (size_t k = 0; k <= sizeof none / sizeof *none; k++) {
        const double label = k == 0 ? (double)t.cols : none[k - 1];
        unsigned char kept[8];
        memcpy(kept, b->data, b->size);
        now("the label %g", label);
        put_element(b->data, b->dtype, label);
        wrong_call(NEPIT_ERROR_LABEL);
        memcpy(b->data, kept, b->size);
    }
    lay_out(b);
    gather(wrong_values, &plainly);
    for (nepit_dtype dtype = NEPIT_F64; dtype <= NEPIT_U64; dtype++) {
        if (dtype == NEPIT_I32 || dtype == NEPIT_I64) continue;
        now("labels of dtype %s", dtype_name(dtype));
        wrong_values[i].array.dtype = dtype;
        /* Of a larger type they may not be aligned, either. */
        wrong_call(dtype_size(dtype) > b->size ? ANY_ERROR : NEPIT_ERROR_DTYPE);
    }
}

static void wrong_choices(int i) {
    const parameter *p = &f->parameters[i];
    const int32_t none[] = {(int32_t)p->low - 1, (int32_t)p->high + 1, INT32_MAX, INT32_MIN, 1 << 8 | (int32_t)p->low,
                            1 << 16 | (int32_t)p->low, INT32_MIN | (int32_t)p->low};
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
        now("%s %d", p->name, none[k]);
        wrong_values[i].status = none[k];
        wrong_call(NEPIT_ERROR_PARAMETER);
    }
}

static void wrong_records(int i) {
    const parameter *p = &f->parameters[i];
    const size_t size = p->record_size;
    const size_t sizes[] = {0, 8, size - 8, size - 1, size + 1, size + 8, SIZE_MAX, (size_t)1 << 32 | size};
    unsigned char record[MAX_RECORD];
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const size_t bytes = sizes[k] < 8 || sizes[k] > MAX_RECORD ? 8 : sizes[k];
        memset(record, 0, sizeof record);
        memcpy(record, &sizes[k], sizeof sizes[k]);
        now("%s of size %zu", p->name, sizes[k]);
        wrong_values[i].pointer = placed_record(record, bytes);
        wrong_call(NEPIT_ERROR_SIZE);
    }
    for (int n = 0; n < p->field_count; n++) {
        const field *which = &p->fields[n];
        if (which->type == AN_INT64) continue;
        const bool whole = which->type == AN_INT32;
        const double probes[] = {which->low, which->high, which->low - 1, which->high + 1, whole ? (double)INT32_MAX : (double)NAN,
                                 whole ? (double)INT32_MIN : (double)INFINITY, whole ? -7.0 : (double)-INFINITY,
                                 whole ? 99 : nextafter(which->low, -INFINITY),
                                 whole ? -1 : nextafter(which->high, INFINITY)};
        for (size_t k = 0; k < sizeof probes / sizeof *probes; k++) {
            if (whole && fabs(probes[k]) > 0x1p31) continue;
            memcpy(record, t.record, sizeof record);
            memcpy(record, &size, sizeof size);
            put_field(record, which, probes[k]);
            now("%s %a", which->name, probes[k]);
            wrong_values[i].pointer = placed_record(record, size);
            wrong_call(fits_field(which, probes[k]) ? NEPIT_OK : NEPIT_ERROR_PARAMETER);
        }
    }
}

/* The most elements that an array may have, of few by strides of 0: no call comes to its end. What it does until it is
 * stopped it must do without a crash; a process of its own is stopped. Eight rows are the fewest that are read in
 * blocks, one is read in segments by many threads. */
static void endless_trial(void) {
    /* Labels and the columns of objects have to fit: such calls are refused. */
    for (int i = 0; i < f->count; i++) {
        if (f->parameters[i].kind == LABELS || f->parameters[i].kind == OBJECT) return;
    }
    choose_trial(false, true);
    const size_t rows = (chance(2) ? 1 : 8) * t.members, fewer = chance(2) ? 0 : below(100);
    for (int i = 0; i < f->count; i++) {
        block *b = &t.blocks[i];
        const parameter *p = &f->parameters[i];
        if (!is_block(p)) continue;
        if (p->optional) b->present = false;
        else if (p->kind == MUTABLE) return;        /* as many elements to write there cannot be */
        if (!b->present) continue;
        if (p->out) {
            b->rows = rows;
            place(b, true);
        } else if (p->kind == ARRAY) {
            b->rows = b->cols = 1;
            place(b, true);
            b->rows = rows;
            b->cols = PTRDIFF_MAX / 8 / rows - fewer;
            b->row_stride = b->col_stride = 0;
        }
    }
    now("an endless call of %zu rows", rows);
    const nepit_execution execution = {sizeof execution, 64, NULL, NULL};
    manner how = plainly;
    how.execution = &execution;
    value values[MAX_PARAMETERS];
    gather(values, &how);
    calls++;
    const pid_t child = fork();
    if (child < 0) give_up("fork: %s", strerror(errno));
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGALRM, SIG_DFL);
        setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 20000}}, NULL);
        static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
        for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) signal(deadly[i], SIG_DFL);
        _exit(call_through_ffi(f, symbol, values) == NEPIT_OK ? 0 : 1);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM) problem("the call ends by %s", strsignal(WTERMSIG(status)));
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) problem("the call is refused");
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
        if (!is_read(&f->parameters[i]) || seen++ == 0) continue;
        if (strcmp(f->section, "losses") == 0) continue;
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
        if (is_read(p) || p->kind == MUTABLE) {
            wrong_dtypes(i);
            wrong_extents(i);
        }
        if (p->kind == MUTABLE) overlapping_outputs(i);
        if (p->kind == NUMBER || p->kind == BASE) wrong_numbers(i);
        if (p->kind == COUNT) wrong_counts(i);
        if (p->kind == DOUBLES && !p->out) wrong_data(i);
        if (p->kind == EXECUTION) wrong_executions(i);
        if (p->kind == LABELS) wrong_labels(i);
        if (p->kind == CHOICE) wrong_choices(i);
        if (p->kind == RECORD) wrong_records(i);
        if (p->kind == OBJECT) {
            now("%s NULL", p->name);
            wrong_values[i].pointer = NULL;
            wrong_call(NEPIT_ERROR_NULL);
        }
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
            if (is_block(p) && !p->optional && !is_read(p) && p->kind != MUTABLE && chance(2)) {
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

static bool has_array(void) {
    for (int i = 0; i < f->count; i++) {
        if (f->parameters[i].kind == ARRAY) return true;
    }
    return false;
}

static void run_function(void) {
    prepare_blocks();
    record_arena = guarded(PAGE);
    if (f->returns_string) {
        while (calls < 200) string_trial();
        return;
    }
    if (has_object() && !has_array()) {
        while (calls < how_to_run->calls / 4) object_trial();
        return;
    }
    /* Large trials are where threads, the monitor and borrowed memory come in; they take the most time, and are rarer in
     * a long run. */
    for (long number = 0; calls < how_to_run->calls; number++) {
        switch (number % 60) {
        case 0: wrong_trial(); break;
        case 20: empty_trial(); break;
        case 30:
            if (number < 300) endless_trial();
            break;
        case 40: valid_trial(number < 3000 || number % 1200 == 40); break;
        default: valid_trial(false);
        }
    }
    if (monitor_calls == 0 && how_to_run->calls > 1000) problem("the monitor was never called");
}

typedef struct {                    /* what a function's process tells */
    long calls, faults, monitor_calls, threads;
    int problems;
    uint64_t digest;
    bool finished;
    pid_t process;
} report;

static uint64_t seed_of(uint64_t seed, const char *name) {
    uint64_t mixed = FNV_START ^ seed;
    for (; *name != 0; name++) mixed = fnv1a(mixed, (unsigned char)*name, 1);
    return mixed;
}

/* One function, in a process of its own. */
static void start_function(const options *how, report *r) {
    symbol = find_symbol(f->name);
    if (symbol == NULL) {
        printf("%-44s missing from the library\n", f->name);
        return;
    }
    fflush(stdout);
    r->process = fork();
    if (r->process < 0) give_up("fork: %s", strerror(errno));
    if (r->process > 0) return;
    catch_crashes();
    seed_random(seed_of(how->seed, f->name));
    digest = FNV_START;
    if (setjmp(give_up_function) == 0) run_function();
    *r = (report){calls, faults, monitor_calls, thread_starts, problems, digest, true, getpid()};
    if (getenv("LLVM_PROFILE_FILE") != NULL) exit(problems > 0);    /* which writes counters: Tests/coverage.sh */
    fflush(stdout);
    _exit(problems > 0);
}

int run_contract(const description *all, const options *how) {
    const size_t count = (size_t)all->count;
    report *reports = mmap(NULL, count * sizeof *reports, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (reports == MAP_FAILED) give_up("no memory");
    how_to_run = how;
    prepare_objects(all);
    printf("seed %llu\n", (unsigned long long)how->seed);
    int failures = 0;
    const int jobs = how->jobs > 0 ? how->jobs : (int)sysconf(_SC_NPROCESSORS_ONLN);
    for (size_t next = 0, running = 0; next < count || running > 0;) {
        if (next < count && running < (size_t)jobs) {
            f = &all->functions[next];
            if (how->only == NULL || strcmp(how->only, f->name) == 0) {
                start_function(how, &reports[next]);
                running += reports[next].process > 0;
                failures += reports[next].process == 0;
            }
            next++;
            continue;
        }
        int status = 0;
        const pid_t ended = wait(&status);
        if (ended < 0) {
            if (errno == EINTR) continue;
            give_up("wait: %s", strerror(errno));
        }
        running--;
        for (size_t i = 0; i < count; i++) {
            const report *r = &reports[i];
            if (r->process != ended) continue;
            const bool failed = !r->finished || r->problems > 0 || status != 0;
            failures += failed;
            printf("%-44s %6ld calls  %5ld refused  %5ld monitor calls  %4ld threads  %016llx%s\n", all->functions[i].name,
                   r->calls, r->faults, r->monitor_calls, r->threads, (unsigned long long)r->digest, failed ? "  FAILED" : "");
        }
    }
    long total = 0, refused = 0;
    uint64_t digests = FNV_START;
    for (size_t i = 0; i < count; i++) {
        total += reports[i].calls;
        refused += reports[i].faults;
        if (reports[i].process > 0) digests = fnv1a(digests, reports[i].digest, 8);
    }
    printf("%ld calls, %ld more that were refused memory or a thread, %d functions failed\ndigest %016llx\n", total, refused,
           failures, (unsigned long long)digests);
    return failures > 0;
}
