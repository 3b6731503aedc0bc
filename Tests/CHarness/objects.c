/* objects.c - objects: what a create function makes, and what is called on it.
 *
 * Nothing here knows an object by name but for `feeders`. A trial's object is a run of bytes, as its save function
 * writes them: every call works on an object of its own, loaded from them, and what the call has done to it is again
 * bytes, which must be those of the reference, or the bytes before where the call has failed.
 */
#include "trial.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 24 };

typedef struct {
    unsigned char *bytes;
    size_t length;
} run;

/* The functions of a type in a library, by their names. */
typedef struct {
    void *library;
    char type[MAX_NAME];
    any_function create, update, save, load, destroy;
    const function *described_create, *described_update;
} methods;

static methods known;
static const description *described;
static struct {
    run before, after, reference;
    long live;                      /* allocations of the loaded object */
} kept[MAX_PARAMETERS];

void prepare_objects(const description *all) { described = all; }

static bool is_object(const parameter *p) { return p->kind == OBJECT || p->kind == MADE; }

bool has_object(void) {
    for (int i = 0; i < f->count; i++) {
        if (is_object(&f->parameters[i])) return true;
    }
    return false;
}

static any_function method(const char *verb, const function **which) {
    char name[2 * MAX_NAME];
    snprintf(name, sizeof name, "%s_%s", known.type, verb);
    if (which != NULL) *which = find_function(described, name);
    const any_function found = find_symbol(name);
    if (found == NULL) give_up("the library has no %s", name);
    return found;
}

static void know(const char *type) {
    if (known.library == library_in_use() && strcmp(known.type, type) == 0) return;
    known.library = library_in_use();
    strcpy(known.type, type);
    known.create = method("create", &known.described_create);
    known.update = method("update", &known.described_update);
    known.save = method("save", NULL);
    known.load = method("load", NULL);
    known.destroy = method("destroy", NULL);
}

static int32_t try_loading(const run *from, void **object) {
    return ((int32_t (*)(size_t, const unsigned char *, void **))known.load)(from->length, from->bytes, object);
}

static void *load(const run *from) {
    void *object = NULL;
    const int32_t status = try_loading(from, &object);
    if (status != NEPIT_OK) problem("what was saved is not loaded: %s", status_name(status));
    return object;
}

static void save(void *object, run *to) {
    int32_t (*const call)(const void *, size_t, unsigned char *, size_t *) =
        (int32_t (*)(const void *, size_t, unsigned char *, size_t *))known.save;
    if (call(object, 0, NULL, &to->length) != NEPIT_OK || to->length > MOST_BYTES) give_up("%s cannot be saved", known.type);
    to->bytes = realloc(to->bytes, to->length);
    if (to->bytes == NULL) give_up("no memory");
    if (call(object, to->length, to->bytes, &to->length) != NEPIT_OK) give_up("%s cannot be saved", known.type);
}

static void destroy(void *object) { ((void (*)(void *))known.destroy)(object); }

static bool same(const run *a, const run *b) {
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* A count inside its interval; of several that are free, small ones. */
static size_t choose_count(const parameter *p) {
    if (strcmp(p->name, "cols") == 0 && t.cols > 0) return t.cols;
    const double room = p->high - p->low;
    return (size_t)p->low + below(room < 8 ? (size_t)room + 1 : chance(4) ? 9 : 4);
}

static void *create(const value *arguments) {
    void *object = NULL;
    value values[MAX_PARAMETERS];
    const function *how = known.described_create;
    memcpy(values, arguments, sizeof values);
    values[how->count - 1].pointer = &object;
    if (call_through_ffi(how, known.create, values) != NEPIT_OK) give_up("%s cannot be made", known.type);
    return object;
}

static void choose_creation(value *arguments) {
    for (int i = 0; i < known.described_create->count; i++) {
        const parameter *p = &known.described_create->parameters[i];
        if (p->kind == COUNT) arguments[i].count = choose_count(p);
    }
}

void *new_object(const char *type, size_t cols) {
    know(type);
    value arguments[MAX_PARAMETERS];
    for (int i = 0; i < known.described_create->count; i++) {
        const parameter *p = &known.described_create->parameters[i];
        arguments[i].count = strcmp(p->name, "cols") == 0 ? cols : strcmp(p->name, "top") == 0 ? 10 : (size_t)p->low;
    }
    return create(arguments);
}

void destroy_object(const char *type, void *object) {
    know(type);
    destroy(object);
}

/* Gives an object something to keep, by its update function: rows of its cols. */
static void feed(void *object, const value *creation) {
    static double data[2][4096];
    static int64_t labels[64];
    const function *how = known.described_update;
    size_t cols = 1;
    for (int i = 0; i < known.described_create->count; i++) {
        if (strcmp(known.described_create->parameters[i].name, "cols") == 0) cols = creation[i].count;
    }
    size_t rows = below(40);
    if (rows * cols > 4096) rows = 4096 / cols;
    const bool labelled = chance(2);
    value values[MAX_PARAMETERS];
    int arrays = 0;
    for (int i = 0; i < how->count; i++) {
        const parameter *p = &how->parameters[i];
        memset(&values[i], 0, sizeof values[i]);
        if (p->kind == OBJECT) values[i].pointer = object;
        if (p->kind == LABELS) {
            for (size_t r = 0; r < rows; r++) labels[r] = chance(5) ? -100 : (int64_t)below(cols);
            values[i].array = nepit_rows(labelled ? labels : NULL, labelled ? rows : 0, labelled, NEPIT_I64);
        } else if (p->kind == ARRAY) {
            double *at = data[arrays++ & 1];
            for (size_t k = 0; k < rows * cols; k++) at[k] = 20 * unit() - 10;
            values[i].array = nepit_rows_f64(at, rows, cols);
        }
        if (p->kind == MUTABLE) values[i].mutable = nepit_no_array();
    }
    const int32_t status = call_through_ffi(how, known.update, values);
    if (status != NEPIT_OK) problem("%s_update gives %s", known.type, status_name(status));
}

/* An object for a parameter, as bytes. */
static void choose_object(int i, const value *creation) {
    void *object = create(creation);
    if (!chance(3)) feed(object, creation);
    save(object, &kept[i].before);
    destroy(object);
}

/* Objects for the trial, of one making, so that they can be merged. */
void choose_objects(void) {
    bool chosen = false;
    value creation[MAX_PARAMETERS];
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        if (p->kind != OBJECT) continue;
        know(p->pointee);
        if (!chosen) choose_creation(creation);
        chosen = true;
        choose_object(i, creation);
    }
}

/* What is saved is words of 64 bits, and the last is FNV-1a of the bytes before it. */
static void seal(run *bytes) {
    if (bytes->length < 8) return;
    uint64_t sum = FNV_START;
    for (size_t k = 0; k < bytes->length - 8; k++) sum = fnv1a(sum, bytes->bytes[k], 1);
    memcpy(bytes->bytes + bytes->length - 8, &sum, 8);
}

/* Changes saved bytes here and there, under a checksum that is right again. What is then refused stays as it was; what
 * is loaded is an object that no call has made, and is used like any other. */
void alter_objects(void) {
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        if (p->kind != OBJECT) continue;
        know(p->pointee);
        const run *from = &kept[i].before;
        run altered = {malloc(from->length), from->length};
        if (altered.bytes == NULL) give_up("no memory");
        memcpy(altered.bytes, from->bytes, from->length);
        for (size_t k = 1 + below(8); k > 0; k--) {
            /* Most is decided by the first words. */
            const size_t words = altered.length / 8, word = chance(2) && words > 40 ? below(40) : below(words);
            const uint64_t bits = next();
            uint64_t old;
            memcpy(&old, altered.bytes + 8 * word, 8);
            const uint64_t new = chance(3) ? bits : chance(2) ? bits >> (bits & 63) : old + (bits & 15) - 8;
            memcpy(altered.bytes + 8 * word, &new, 8);
        }
        seal(&altered);
        void *object = NULL;
        const int32_t status = try_loading(&altered, &object);
        if (status == NEPIT_OK) {
            save(object, &kept[i].before);
            destroy(object);
        } else if (status != NEPIT_ERROR_FORMAT && status != NEPIT_ERROR_MEMORY) {
            problem("altered bytes give %s", status_name(status));
        }
        free(altered.bytes);
    }
}

void load_objects(value *values) {
    for (int i = 0; i < f->count; i++) {
        if (f->parameters[i].kind != OBJECT || values[i].pointer != LOADED) continue;
        watch_start(REFUSE_NOTHING, 0, 0);
        values[i].pointer = load(&kept[i].before);
        kept[i].live = watch_stop().live;
    }
}

/* What was saved of an object that a call has changed can be loaded, and is the same. */
static void is_loaded(const run *bytes) {
    static run again;
    void *object = load(bytes);
    if (object == NULL) return;
    save(object, &again);
    destroy(object);
    if (!same(bytes, &again)) problem("what was saved and loaded is saved otherwise");
}

/* What the call has done to its objects, and that all memory is given back with them. `live`: what it has kept. */
void finish_objects(const value *values, int32_t status, long live) {
    const bool destroys = f->returns_nothing;
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        if (p->kind == MADE && status == NEPIT_OK) {
            void *made;
            memcpy(&made, values[i].pointer, sizeof made);
            save(made, &kept[i].after);
            watch_start(REFUSE_NOTHING, 0, 0);
            destroy(made);
            live += watch_stop().live;
        }
        if (p->kind != OBJECT || values[i].pointer == NULL) continue;
        live += kept[i].live;
        if (destroys) continue;
        save(values[i].pointer, &kept[i].after);
        if (!(status == NEPIT_OK && p->changes) && !same(&kept[i].before, &kept[i].after)) {
            problem("%s has changed", p->name);
        }
        if (status == NEPIT_OK && p->changes) is_loaded(&kept[i].after);
        watch_start(REFUSE_NOTHING, 0, 0);
        destroy(values[i].pointer);
        live += watch_stop().live;
    }
    if (live != 0) problem("%ld allocations were not given back", live);
}

void refer_objects(void) {
    for (int i = 0; i < f->count; i++) {
        if (!is_object(&f->parameters[i]) || f->returns_nothing) continue;
        run *to = &kept[i].reference;
        to->length = kept[i].after.length;
        to->bytes = realloc(to->bytes, to->length);
        if (to->bytes == NULL) give_up("no memory");
        memcpy(to->bytes, kept[i].after.bytes, to->length);
        digest = fnv1a(digest, to->length, 8);
        for (size_t k = 0; k < to->length; k++) digest = fnv1a(digest, to->bytes[k], 1);
    }
}

void compare_objects(void) {
    for (int i = 0; i < f->count; i++) {
        if (!is_object(&f->parameters[i]) || f->returns_nothing) continue;
        if (!same(&kept[i].after, &kept[i].reference)) problem("%s is another than a plain call leaves", f->parameters[i].name);
    }
}

/* ------------------------------------------------ functions without arrays */

static struct {
    unsigned char *arena;           /* before a guard page */
    size_t bytes;                   /* of the argument, which ends there */
    unsigned char *reference;
} buffers[MAX_PARAMETERS];

static size_t extent(const value *values, const char *name) {
    if (name[0] >= '0' && name[0] <= '9') return strtoul(name, NULL, 10);
    for (int i = 0; i < f->count; i++) {
        if (strcmp(f->parameters[i].name, name) == 0) return values[i].count;
    }
    return 1;
}

static bool points(const parameter *p) { return p->kind != COUNT && p->kind != OBJECT; }

/* Valid arguments. What is written is filled with bytes that nobody would write. */
static void choose_arguments(value *values) {
    choose_objects();
    for (int i = 0; i < f->count; i++) {
        if (is_object(&f->parameters[i])) know(f->parameters[i].pointee);
    }
    run bytes = {0};
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        memset(&values[i], 0, sizeof values[i]);
        if (p->kind == OBJECT) values[i].pointer = LOADED;
        if (p->kind == COUNT) values[i].count = choose_count(p);
        if (p->kind == BYTES && !p->out) {
            value creation[MAX_PARAMETERS];
            choose_creation(creation);
            void *object = create(creation);
            feed(object, creation);
            save(object, &bytes);
            destroy(object);
        }
    }
    for (int i = 0; i < f->count; i++) {    /* how many bytes there are, or room for */
        const parameter *p = &f->parameters[i];
        if (p->kind != BYTES) continue;
        for (int k = 0; k < f->count; k++) {
            if (strcmp(f->parameters[k].name, p->extent[0]) != 0) continue;
            values[k].count = p->out ? kept[0].before.length + (chance(2) ? 0 : below(9)) : bytes.length;
        }
    }
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        if (!points(p)) continue;
        size_t size = p->kind == DOUBLES || p->kind == SIZES || p->kind == MADE ? 8 : 1;
        size_t count = p->kind == SUMMARY ? p->record_size : p->kind == MADE ? 1 : extent(values, p->extent[0]);
        buffers[i].bytes = size * count;
        if (buffers[i].arena == NULL) {
            buffers[i].arena = guarded(MOST_BYTES);
            buffers[i].reference = malloc(MOST_BYTES);
        }
        unsigned char *at = buffers[i].arena + MOST_BYTES - buffers[i].bytes;
        values[i].pointer = at;
        memset(at, 0xa5, buffers[i].bytes);
        if (p->kind == SUMMARY) memcpy(at, &p->record_size, sizeof p->record_size);
        if (p->kind == BYTES && !p->out) memcpy(at, bytes.bytes, bytes.length);
        for (size_t k = 0; p->kind == DOUBLES && !p->out && k < count; k++) {
            const double x = chance(6) ? 0 : chance(6) ? 1 : unit();
            memcpy(at + 8 * k, &x, 8);
        }
    }
    free(bytes.bytes);
}

static void keep_outputs(void) {
    for (int i = 0; i < f->count; i++) {
        if (buffers[i].arena != NULL) {
            memcpy(buffers[i].reference, buffers[i].arena + MOST_BYTES - buffers[i].bytes, buffers[i].bytes);
        }
    }
}

/* The memory of arguments is what it was, or what the reference call has written. */
static void compare_outputs(const value *values, const char *what) {
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        if (!points(p) || p->kind == MADE || values[i].pointer == NULL) continue;
        if (memcmp(buffers[i].reference, buffers[i].arena + MOST_BYTES - buffers[i].bytes, buffers[i].bytes) != 0) {
            problem("%s %s", p->name, what);
        }
    }
}

static void restore(const value *from, value *values) {
    memcpy(values, from, MAX_PARAMETERS * sizeof *values);
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        if (!points(p) || !(p->out || p->kind == SUMMARY || p->kind == MADE)) continue;
        memset(values[i].pointer, 0xa5, buffers[i].bytes);
        if (p->kind == SUMMARY) memcpy(values[i].pointer, &p->record_size, sizeof p->record_size);
    }
}

/* A call that is wrong, and so writes nothing. */
static void fail(const value *from, value *values, int expected) {
    keep_outputs();
    manner how = plainly;
    how.mxcsr = strange_mxcsr();
    const int32_t status = make_call(values, &how, expected);
    if (status != NEPIT_OK) compare_outputs(values, "was written by a failed call");
    restore(from, values);
}

/* Of two objects one is of another making, then both are one. */
static void strange_pairs(const value *chosen, value *values) {
    int objects[MAX_PARAMETERS], count = 0;
    for (int i = 0; i < f->count; i++) {
        if (f->parameters[i].kind == OBJECT) objects[count++] = i;
    }
    if (count != 2) return;
    const int second = objects[1];
    value creation[MAX_PARAMETERS];
    const size_t cols = t.cols;
    if (chance(2)) t.cols = 1 + below(12);
    choose_creation(creation);
    choose_object(second, creation);
    t.cols = cols;
    restore(chosen, values);
    now("an object of another making");
    make_call(values, &plainly, ANY_STATUS);

    restore(chosen, values);
    now("an object with itself");
    watch_start(REFUSE_NOTHING, 0, 0);
    void *object = load(&kept[objects[0]].before);
    values[objects[0]].pointer = values[second].pointer = object;
    calls++;
    const int32_t status = call_through_ffi(f, symbol, values);
    watched seen = watch_stop();
    if (status != NEPIT_OK) problem("the status is %s", status_name(status));
    save(object, &kept[second].after);
    is_loaded(&kept[second].after);
    watch_start(REFUSE_NOTHING, 0, 0);
    destroy(object);
    seen.live += watch_stop().live;
    if (seen.live != 0) problem("%ld allocations were not given back", seen.live);
}

void object_trial(void) {
    value chosen[MAX_PARAMETERS], values[MAX_PARAMETERS];
    t.cols = 1 + below(chance(4) ? 200 : 12);
    choose_arguments(chosen);
    now("a plain call");
    restore(chosen, values);
    if (make_call(values, &plainly, f->returns_nothing ? ANY_STATUS : NEPIT_OK) != NEPIT_OK && !f->returns_nothing) return;
    keep_outputs();
    refer_objects();
    for (int i = 0; i < f->count; i++) {    /* the same again, whatever the environment */
        const parameter *p = &f->parameters[i];
        if (points(p) && p->out && p->kind != MADE) {
            for (size_t k = 0; k < buffers[i].bytes; k++) digest = fnv1a(digest, buffers[i].reference[k], 1);
        }
    }
    restore(chosen, values);
    manner how = plainly;
    how.mxcsr = strange_mxcsr();
    now("MXCSR 0x%04x", how.mxcsr);
    if (make_call(values, &how, f->returns_nothing ? ANY_STATUS : NEPIT_OK) == NEPIT_OK) {
        compare_outputs(values, "is not what a plain call writes");
        compare_objects();
    }
    for (int i = 0; i < f->count; i++) {    /* without an optional output the others are the same */
        const parameter *p = &f->parameters[i];
        if (!p->optional || !points(p)) continue;
        restore(chosen, values);
        now("without %s", p->name);
        values[i].pointer = NULL;
        if (make_call(values, &plainly, NEPIT_OK) == NEPIT_OK) compare_outputs(values, "is not what it is with all");
    }
    if (f->returns_nothing) {
        restore(chosen, values);
        now("NULL");
        values[0].pointer = NULL;
        make_call(values, &plainly, ANY_STATUS);
        return;
    }

    /* Without memory at each of its requests in turn: the one alone, and all from it on. */
    for (int turn = 0;; turn++) {
        restore(chosen, values);
        keep_outputs();
        how = plainly;
        how.refuse = REFUSE_MEMORY;
        how.refuse_from = turn / 2;
        how.refuse_count = turn % 2 == 0 ? 1 : INT_MAX;
        now("no memory %s %d. request", turn % 2 == 0 ? "at the" : "from the", how.refuse_from + 1);
        const int32_t status = make_call(values, &how, ANY_STATUS);
        if (last_call.failed == 0) break;
        if (status != NEPIT_ERROR_MEMORY || !f->allocates) problem("the status is %s", status_name(status));
        compare_outputs(values, "was written without memory");
    }
    restore(chosen, values);
    keep_outputs();
    now("once more, with memory");
    if (make_call(values, &plainly, NEPIT_OK) == NEPIT_OK) compare_objects();
    strange_pairs(chosen, values);

    restore(chosen, values);
    for (int i = 0; i < f->count; i++) {
        const parameter *p = &f->parameters[i];
        if (p->kind != COUNT) {
            bool empty = points(p) && buffers[i].bytes == 0;
            now("%s NULL", p->name);
            values[i].pointer = NULL;
            if (!p->optional && !empty) fail(chosen, values, NEPIT_ERROR_NULL);
            else restore(chosen, values);
        } else {
            const size_t many[] = {p->low > 0 ? (size_t)p->low - 1 : 0, p->high < 1e18 ? (size_t)p->high + 1 : 0,
                                   SIZE_MAX, (size_t)1 << 63};
            for (size_t k = 0; k < sizeof many / sizeof *many; k++) {
                if ((double)many[k] >= p->low && (double)many[k] <= p->high) continue;
                now("%s %zu", p->name, many[k]);
                values[i].count = many[k];
                fail(chosen, values, NEPIT_ERROR_PARAMETER);
            }
        }
        if (p->kind == SUMMARY) {
            static const size_t sizes[] = {0, 1, 8, 64, SIZE_MAX};
            for (size_t k = 0; k < sizeof sizes / sizeof *sizes + 2; k++) {
                const size_t size = k < 5 ? sizes[k] : p->record_size + (k == 5 ? 8 : (size_t)-8);
                now("a record of size %zu", size);
                memcpy(values[i].pointer, &size, sizeof size);
                fail(chosen, values, NEPIT_ERROR_SIZE);
            }
        }
        if (p->kind == DOUBLES && !p->out && buffers[i].bytes > 0) {
            static const double bad[] = {-0x1p-1074, 1.0000000000000002, -1, 2};
            double old, x = chance(3) ? (double)NEPIT_E : PICK(bad);
            memcpy(&old, values[i].pointer, 8);
            memcpy(values[i].pointer, &x, 8);
            now("%a in %s", x, p->name);
            fail(chosen, values, NEPIT_ERROR_PARAMETER);
            memcpy(values[i].pointer, &old, 8);
        }
        if (p->kind != BYTES) continue;
        int length = 0;
        while (strcmp(f->parameters[length].name, p->extent[0]) != 0) length++;
        if (p->out) {
            now("too little room");
            values[length].count = below(kept[0].before.length);
            fail(chosen, values, NEPIT_ERROR_SHAPE);
            continue;
        }
        /* Bytes that nobody saved: one changed, some missing, some more, any. */
        unsigned char *at = values[i].pointer;
        const size_t whole = chosen[length].count;
        unsigned char *copy = malloc(whole);
        if (copy == NULL) give_up("no memory");
        memcpy(copy, at, whole);
        for (int k = 0; k < 24; k++) {
            const size_t place = below(chance(2) && whole > 200 ? 200 : whole);
            at[place] ^= (unsigned char)(1 + below(255));
            now("byte %zu of %zu changed", place, whole);
            fail(chosen, values, NEPIT_ERROR_FORMAT);
            memcpy(at + whole - place, copy, place);
            now("%zu bytes of %zu", place, whole);
            values[length].count = place;
            values[i].pointer = at + whole - place;
            fail(chosen, values, NEPIT_ERROR_FORMAT);
            memcpy(at, copy, whole);
        }
        free(copy);
        now("any bytes");
        fill_random(at, whole);
        fail(chosen, values, NEPIT_ERROR_FORMAT);
        return;
    }
}

static value altered_arguments[MAX_PARAMETERS];

int32_t altered_trial(void) {
    value values[MAX_PARAMETERS];
    t.cols = 1 + below(12);
    choose_arguments(altered_arguments);
    alter_objects();
    restore(altered_arguments, values);
    now("altered objects");
    const int32_t status = make_call(values, &plainly, ANY_STATUS);
    keep_outputs();
    if (status == NEPIT_OK) refer_objects();
    return status;
}

void agree_altered(int32_t status) {
    value values[MAX_PARAMETERS];
    restore(altered_arguments, values);
    if (make_call(values, &plainly, status) != NEPIT_OK) return;
    compare_outputs(values, "of altered objects is not what it was");
    compare_objects();
}
