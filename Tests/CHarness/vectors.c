/* vectors.c - runs Tests/Vectors: each case by a direct call and through libffi, whose bits must agree with each other
 * and meet the bounds of the case, and all together those of Tests/Vectors/digests. README.md defines the digest. */
#include "harness.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    size_t rows, cols;
    nepit_dtype dtype;
    double *values;                 /* an integer of 64 bits lies in its bits instead */
} matrix;

typedef struct {                    /* what a case says of one parameter */
    bool given;
    matrix input;
    double number;
    matrix result, terms;
    double bound;
    bool has_result, has_terms, has_bound;
    unsigned char record[MAX_RECORD];
} entry;

typedef struct {
    const char *path;
    long line;
    char name[MAX_NAME];
    const function *f;
    entry entries[MAX_PARAMETERS];
} vector_case;

typedef struct {
    long cases, failures;
    uint64_t digest, total;         /* of one function, and of all */
} tally;

_Noreturn static void bad(const vector_case *c, const char *what) { give_up("%s:%ld: %s", c->path, c->line, what); }

/* ------------------------------------------------------------------ parse */

static char *word(void) { return strtok(NULL, " \t\n"); }

static const char *need(const vector_case *c) {
    const char *text = word();
    if (text == NULL) bad(c, "the line ends too early");
    return text;
}

static double real(const vector_case *c) {
    const char *text = need(c);
    char *end;
    const double x = strtod(text, &end);
    if (*end != 0) bad(c, "not a number");
    return x;
}

static size_t extent(const vector_case *c) {
    const char *text = need(c);
    char *end;
    const unsigned long long n = strtoull(text, &end, 10);
    if (*end != 0 || text[0] == '-') bad(c, "not an extent");
    return n;
}

/* Integers of 64 bits do not pass through a double. */
static double element(const vector_case *c, nepit_dtype dtype) {
    if (dtype != NEPIT_I64 && dtype != NEPIT_U64) return real(c);
    const char *text = need(c);
    char *end;
    errno = 0;
    const uint64_t bits = dtype == NEPIT_I64 ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
    if (*end != 0 || errno != 0 || (dtype == NEPIT_U64 && text[0] == '-')) bad(c, "not an integer of the type");
    double stored;
    memcpy(&stored, &bits, 8);
    return stored;
}

static matrix read_matrix(const vector_case *c, nepit_dtype dtype) {
    matrix m = {.dtype = dtype};
    m.rows = extent(c);
    m.cols = extent(c);
    m.values = malloc((m.rows * m.cols + 1) * sizeof *m.values);
    if (m.values == NULL) give_up("no memory");
    for (size_t i = 0; i < m.rows * m.cols; i++) m.values[i] = element(c, dtype);
    return m;
}

static entry *entry_named(vector_case *c, const char *name) {
    for (int i = 0; i < c->f->count; i++) {
        if (strcmp(c->f->parameters[i].name, name) == 0) return &c->entries[i];
    }
    give_up("%s:%ld: %s has no parameter %s", c->path, c->line, c->f->name, name);
}

static entry *entry_of(vector_case *c) { return entry_named(c, need(c)); }

/* A number that is a record's field; false if there is no such field. */
static bool read_field(vector_case *c, const char *name) {
    for (int i = 0; i < c->f->count; i++) {
        const parameter *p = &c->f->parameters[i];
        for (int k = 0; p->kind == RECORD && k < p->field_count; k++) {
            if (strcmp(p->fields[k].name, name) != 0) continue;
            entry *e = &c->entries[i];
            memcpy(e->record, &p->record_size, sizeof p->record_size);
            put_field(e->record, &p->fields[k], real(c));
            e->given = true;
            return true;
        }
    }
    return false;
}

static void read_line(vector_case *c, const char *first) {
    if (strcmp(first, "array") == 0) {
        entry *e = entry_of(c);
        const nepit_dtype dtype = dtype_named(need(c));
        if (dtype == 0) bad(c, "no such element type");
        e->input = read_matrix(c, dtype);
        e->given = true;
    } else if (strcmp(first, "number") == 0) {
        const char *name = need(c);
        if (read_field(c, name)) return;
        entry *e = entry_named(c, name);
        e->number = real(c);
        e->given = true;
    } else if (strcmp(first, "result") == 0) {
        entry *e = entry_of(c);
        e->result = read_matrix(c, NEPIT_F64);
        e->has_result = true;
    } else if (strcmp(first, "terms") == 0) {
        entry *e = entry_of(c);
        e->terms = read_matrix(c, NEPIT_F64);
        e->has_terms = true;
    } else if (strcmp(first, "bound") == 0) {
        entry *e = entry_of(c);
        e->bound = real(c);
        e->has_bound = true;
    } else {
        bad(c, "a line begins with array, number, result, terms, bound or end");
    }
    if (word() != NULL) bad(c, "the line goes on after its end");
}

static void clear(vector_case *c) {
    for (int i = 0; i < MAX_PARAMETERS; i++) {
        free(c->entries[i].input.values);
        free(c->entries[i].result.values);
        free(c->entries[i].terms.values);
    }
    memset(c->entries, 0, sizeof c->entries);
}

/* -------------------------------------------------------------------- run */

static void *pack(const matrix *m) {
    const size_t size = dtype_size(m->dtype);
    char *bytes = malloc(m->rows * m->cols * size + 1);
    if (bytes == NULL) give_up("no memory");
    for (size_t i = 0; i < m->rows * m->cols; i++) {
        if (m->dtype == NEPIT_I64 || m->dtype == NEPIT_U64) {
            memcpy(bytes + i * size, &m->values[i], 8);
        } else {
            put_element(bytes + i * size, m->dtype, m->values[i]);
        }
    }
    return bytes;
}

/* The values of a call; each output has memory of its own, full of what no result is. */
static void arguments(const vector_case *c, value *values, void **memory, const nepit_execution *execution) {
    for (int i = 0; i < c->f->count; i++) {
        const parameter *p = &c->f->parameters[i];
        const entry *e = &c->entries[i];
        memory[i] = NULL;
        if (p->out && e->has_result) {
            const size_t bytes = e->result.rows * e->result.cols * 8 + 1;
            memory[i] = malloc(bytes);
            if (memory[i] == NULL) give_up("no memory");
            memset(memory[i], 0xa5, bytes);
        } else if (!p->out && e->given && (is_read(p) || p->kind == DOUBLES)) {
            memory[i] = pack(&e->input);
        } else if (!p->optional && (!e->given || p->out) && p->kind != OBJECT) {
            give_up("%s:%ld: case %s: nothing is given for %s", c->path, c->line, c->name, p->name);
        }
        switch (p->kind) {
        case ARRAY:
        case LABELS:
            values[i].array = memory[i] == NULL ? nepit_rows(NULL, 0, 0, NEPIT_F64)
                                                : nepit_rows(memory[i], e->input.rows, e->input.cols, e->input.dtype);
            break;
        case MUTABLE:
            values[i].mutable = memory[i] == NULL
                                    ? nepit_no_array()
                                    : nepit_mutable_rows(memory[i], e->result.rows, e->result.cols, NEPIT_F64);
            break;
        case NUMBER:
        case BASE: values[i].number = e->number; break;
        case COUNT: values[i].count = (size_t)e->number; break;
        case CHOICE:
        case STATUS: values[i].status = (int32_t)e->number; break;
        case RECORD: values[i].pointer = e->given ? (void *)(uintptr_t)e->record : NULL; break;
        case EXECUTION: values[i].execution = execution; break;
        case OBJECT: values[i].pointer = new_object(p->pointee, c->entries[1].input.cols); break;
        default: values[i].pointer = memory[i];
        }
    }
}

/* Why got is not want within bound (relative to want, or to terms if they are not NaN); NULL if it is. */
static const char *judge(double got, double want, double terms, double bound) {
    if (bound == 0) return double_bits(got) == double_bits(want) ? NULL : "other bits";
    if (isnan(want)) return isnan(got) ? NULL : "not NaN";
    if (isnan(got)) return "NaN";
    if (isinf(want) || isinf(got)) return got == want ? NULL : "one is infinite";
    if (got == 0 && signbit(got)) return "a zero result is +0";
    const long double scale = isnan(terms) ? fabsl((long double)want) : (long double)terms;
    if (isnan(terms) && (want == 0 || got == 0) && got != want) return "one is 0";
    if (isnan(terms) && signbit(want) != signbit(got)) return "the sign";
    return fabsl((long double)got - (long double)want) <= (long double)bound * scale ? NULL : "the error";
}

static void check_output(const vector_case *c, int i, const void *first, const void *second, tally *t) {
    const parameter *p = &c->f->parameters[i];
    const entry *e = &c->entries[i];
    int reported = 0;
    for (size_t k = 0; k < e->result.rows * e->result.cols; k++) {
        double got;
        uint64_t bits, other;
        int bytes = 8;
        if (p->kind == INT32S) {
            int32_t a, b;
            memcpy(&a, (const char *)first + 4 * k, 4);
            memcpy(&b, (const char *)second + 4 * k, 4);
            got = a;
            bits = (uint32_t)a;
            other = (uint32_t)b;
            bytes = 4;
        } else if (p->kind == INT64S) {
            int64_t a, b;
            memcpy(&a, (const char *)first + 8 * k, 8);
            memcpy(&b, (const char *)second + 8 * k, 8);
            got = (double)a;
            bits = (uint64_t)a;
            other = (uint64_t)b;
        } else {
            double b;
            memcpy(&got, (const char *)first + 8 * k, 8);
            memcpy(&b, (const char *)second + 8 * k, 8);
            bits = double_bits(got);
            other = double_bits(b);
        }
        t->digest = fnv1a(t->digest, bits, bytes);
        const double want = e->result.values[k];
        const double terms = e->has_terms ? e->terms.values[k] : NAN;
        const char *wrong = bits != other ? "a direct call and libffi differ"
                                          : judge(got, want, terms, p->kind == INT32S || p->kind == INT64S ? 0 : e->bound);
        if (wrong == NULL) continue;
        t->failures++;
        if (reported++ == 3) break;
        printf("%s:%ld: case %s: %s[%zu, %zu] is %a, not %a: %s", c->path, c->line, c->name, p->name,
               k / e->result.cols, k % e->result.cols, got, want, wrong);
        if (strcmp(wrong, "the error") == 0) {
            printf(" is 2^%.1f of the %s, the bound 2^%.1f", log2(fabs(got - want) / fabs(e->has_terms ? terms : want)),
                   e->has_terms ? "terms" : "value", log2(e->bound));
        }
        printf("\n");
    }
}

static void run(const vector_case *c, tally *t) {
    value direct[MAX_PARAMETERS], foreign[MAX_PARAMETERS];
    void *direct_memory[MAX_PARAMETERS], *foreign_memory[MAX_PARAMETERS];
    monitored seen;
    expect_monitor(&seen, 0, DEFAULT_MXCSR);
    /* The foreign call takes 1 to 8 threads and a monitor as well: neither may change a bit. */
    const nepit_execution execution = {sizeof execution, 1 + (int32_t)(t->cases % 8), ffi_monitor(), &seen};
    for (int i = 0; i < c->f->count; i++) {
        const entry *e = &c->entries[i];
        const enum kind kind = c->f->parameters[i].kind;
        if (e->has_result && !e->has_bound && kind != INT32S && kind != INT64S) bad(c, "a result has no bound");
    }
    arguments(c, direct, direct_memory, NULL);
    arguments(c, foreign, foreign_memory, &execution);
    t->cases++;

    int32_t status;
    if (!call_directly(c->f, direct, &status)) give_up("calls.h has no row for %s", c->f->name);
    set_mxcsr(DEFAULT_MXCSR); /* without the flags that reading numbers has raised */
    const int32_t other = call_through_ffi(c->f, find_symbol(c->f->name), foreign);
    if (status != NEPIT_OK || other != NEPIT_OK || seen.wrong != NULL) {
        printf("%s:%ld: case %s: a direct call gives %s, libffi %s%s%s\n", c->path, c->line, c->name,
               status_name(status), status_name(other), seen.wrong ? "; " : "", seen.wrong ? seen.wrong : "");
        t->failures++;
    } else {
        for (int i = 0; i < c->f->count; i++) {
            if (c->entries[i].has_result) check_output(c, i, direct_memory[i], foreign_memory[i], t);
        }
    }
    for (int i = 0; i < c->f->count; i++) {
        free(direct_memory[i]);
        free(foreign_memory[i]);
        if (c->f->parameters[i].kind != OBJECT) continue;
        destroy_object(c->f->parameters[i].pointee, direct[i].pointer);
        destroy_object(c->f->parameters[i].pointee, foreign[i].pointer);
    }
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Whether the file `digests`, beside the vectors, has this digest of the function (its name without nepit_). It is kept
 * sorted, but merges may put lines anywhere. */
static bool is_committed(const char *path, const char *name, uint64_t digest) {
    char beside[4096];
    const int length = snprintf(beside, sizeof beside, "%.*sdigests", (int)(base_name(path) - path), path);
    if (length >= (int)sizeof beside) give_up("%s: a long name", path);
    FILE *file = fopen(beside, "r");
    if (file == NULL) give_up("cannot read %s", beside);
    char found[MAX_NAME];
    unsigned long long bits;
    int lines = 0;
    bool same = true;
    while (fscanf(file, "%95s %16llx", found, &bits) == 2) {
        if (strcmp(found, name) != 0) continue;
        lines++;
        same &= bits == digest;
    }
    if (!feof(file)) give_up("%s: a line is a name and 16 digits", beside);
    fclose(file);
    return lines == 1 && same;
}

static void run_file(const description *all, const options *how, const char *path, tally *t) {
    /* The file's name is the function's, without nepit_. */
    const char *base = base_name(path);
    char name[MAX_NAME];
    const int length = snprintf(name, sizeof name, "nepit_%.*s", (int)strcspn(base, "."), base);
    if (length >= (int)sizeof name) give_up("%s: a long name", path);
    vector_case c = {.path = path, .f = find_function(all, name)};
    if (c.f == NULL) give_up("%s: nepit.h has no function %s", path, name);
    if (how->only != NULL && strcmp(how->only, name) != 0) return;
    if (find_symbol(name) == NULL) {
        printf("%-44s missing from the library\n", name);
        t->failures++;
        return;
    }
    FILE *file = fopen(path, "r");
    if (file == NULL) give_up("cannot read %s", path);

    const tally before = *t;
    t->digest = FNV_START;
    bool open = false;
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, file) >= 0) {
        c.line++;
        const char *first = strtok(line, " \t\n");
        if (first == NULL || first[0] == '#') continue;
        if (!open) {
            if (strcmp(first, "case") != 0) bad(&c, "a case begins with its name");
            snprintf(c.name, sizeof c.name, "%s", need(&c));
            open = true;
        } else if (strcmp(first, "end") == 0) {
            run(&c, t);
            if (how->verbose) printf("%s %s: %016llx\n", name, c.name, (unsigned long long)t->digest);
            clear(&c);
            open = false;
        } else {
            read_line(&c, first);
        }
    }
    if (open) bad(&c, "the last case has no end");
    free(line);
    fclose(file);
    t->total = fnv1a(t->total, t->digest, 8);
    if (how->bare) {
        printf("%s %016llx\n", name + strlen("nepit_"), (unsigned long long)t->digest);
        return;
    }
    if (!is_committed(path, name + strlen("nepit_"), t->digest)) {
        printf("%s: not the bits of Tests/Vectors/digests; if that is meant, `make digests`\n", name);
        t->failures++;
    }
    printf("%-44s %6ld cases  %016llx%s\n", name, t->cases - before.cases, (unsigned long long)t->digest,
           t->failures > before.failures ? "  FAILED" : "");
}

static int by_name(const void *a, const void *b) {
    return strcmp(base_name(*(char *const *)a), base_name(*(char *const *)b));
}

int run_vectors(const description *all, const options *how, int count, char **paths) {
    prepare_objects(all);
    if (count == 0) give_up("no vector files were given");
    qsort(paths, (size_t)count, sizeof *paths, by_name);
    tally t = {.total = FNV_START};
    for (int i = 0; i < count; i++) run_file(all, how, paths[i], &t);
    if (!how->bare) {
        printf("%ld cases, %ld failures\ndigest %016llx\n", t.cases, t.failures, (unsigned long long)t.total);
    }
    return t.failures > 0;
}
