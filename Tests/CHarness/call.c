/* call.c - one function, two ways to call it. */
#include "harness.h"

#include <dlfcn.h>
#include <ffi.h>
#include <pthread.h>
#include <string.h>

static void *library;

void *open_library(const char *path) {
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) give_up("%s", dlerror());
    return library;
}

void use_library(void *opened) { library = opened; }
void *library_in_use(void) { return library; }

any_function find_symbol(const char *name) {
    /* ISO C converts no object pointer to a function pointer; POSIX promises that the bits serve. */
    void *symbol = dlsym(library, name);
    any_function found;
    memcpy(&found, &symbol, sizeof found);
    return found;
}

/* ----------------------------------------------------------------- direct */

/* Each row of calls.h becomes a function that calls through the header's own prototype. */
#define A(i) v[i].array
#define M(i) v[i].mutable
#define N(i) v[i].number
#define C(i) v[i].count
#define X(i) v[i].execution
#define P(i) v[i].pointer
#define I(i) v[i].status
#define CALL(name, ...) \
    static int32_t direct_##name(any_function f, const value *v) { return ((__typeof__(&name))f)(__VA_ARGS__); }
#include "calls.h"
#undef CALL

static const struct {
    const char *name;
    int32_t (*call)(any_function, const value *);
} direct[] = {
#define CALL(name, ...) {#name, direct_##name},
#include "calls.h"
#undef CALL
};

bool call_directly(const function *f, const value *values, int32_t *status) {
    for (size_t i = 0; i < sizeof direct / sizeof *direct; i++) {
        if (strcmp(direct[i].name, f->name) == 0) {
            *status = direct[i].call(find_symbol(f->name), values);
            return true;
        }
    }
    return false;
}

/* ----------------------------------------------------------------- libffi */

static ffi_type *array_fields[] = {
    &ffi_type_pointer, &ffi_type_uint64, &ffi_type_uint64, &ffi_type_sint64, &ffi_type_sint64, &ffi_type_sint32, NULL,
};
static ffi_type array_type = {0, 0, FFI_TYPE_STRUCT, array_fields};
_Static_assert(sizeof(size_t) == 8 && sizeof(ptrdiff_t) == 8, "array_fields names types of 64 bits");

static ffi_type *type_of(enum kind kind) {
    switch (kind) {
    case ARRAY:
    case LABELS:
    case MUTABLE: return &array_type;
    case NUMBER:
    case BASE: return &ffi_type_double;
    case COUNT: return &ffi_type_uint64;
    case CHOICE:
    case STATUS: return &ffi_type_sint32;
    default: return &ffi_type_pointer;
    }
}

static void call(const function *f, any_function symbol, value *values, ffi_type *result_type, void *result) {
    /* Preparing takes longer than most calls: the last function's is kept. */
    static const function *prepared;
    static ffi_cif interface;
    static ffi_type *types[MAX_PARAMETERS];
    if (prepared != f) {
        for (int i = 0; i < f->count; i++) types[i] = type_of(f->parameters[i].kind);
        if (ffi_prep_cif(&interface, FFI_DEFAULT_ABI, (unsigned)f->count, result_type, types) != FFI_OK) {
            give_up("libffi cannot call %s", f->name);
        }
        if (f->count > 0 && types[0] == &array_type && array_type.size != sizeof(nepit_array)) {
            give_up("libffi sees a nepit_array of %zu bytes", array_type.size);
        }
        prepared = f;
    }
    void *pointers[MAX_PARAMETERS];
    for (int i = 0; i < f->count; i++) pointers[i] = &values[i];
    ffi_call(&interface, symbol, result, pointers);
}

int32_t call_through_ffi(const function *f, any_function symbol, value *values) {
    ffi_arg result = 0;
    call(f, symbol, values, f->returns_nothing ? &ffi_type_void : &ffi_type_sint32, &result);
    return (int32_t)result;
}

const char *string_through_ffi(const function *f, any_function symbol, value *values) {
    void *result = NULL;
    call(f, symbol, values, &ffi_type_pointer, &result);
    return result;
}

/* ---------------------------------------------------------------- monitor */

static monitored *expected;
static pthread_t caller;

void expect_monitor(monitored *state, int cancel_at, uint32_t caller_mxcsr) {
    *state = (monitored){.cancel_at = cancel_at, .caller_mxcsr = caller_mxcsr};
    expected = state;
    caller = pthread_self();
}

static void monitor(ffi_cif *interface, void *result, void **arguments, void *data) {
    (void)interface;
    (void)data;
    /* The library runs this under its caller's environment, in which a comparison here could trap. */
    const uint32_t found = get_mxcsr();
    set_mxcsr(DEFAULT_MXCSR);
    void *context;
    double progress;
    memcpy(&context, arguments[0], sizeof context);
    memcpy(&progress, arguments[1], sizeof progress);
    monitored *state = expected;
    state->calls++;
    if (context != state) state->wrong = "the monitor was not given its context";
    if (!pthread_equal(pthread_self(), caller)) state->wrong = "the monitor ran on another thread";
    if (!(progress >= 0 && progress <= 1)) state->wrong = "the progress is not in [0, 1]";
    if (progress < state->last) state->wrong = "the progress fell";
    if (found != state->caller_mxcsr) state->wrong = "the monitor found another MXCSR than its caller's";
    if (state->cancel_at != 0 && state->calls > state->cancel_at) state->wrong = "it was called after cancelling";
    state->last = progress;
    /* Of an int32_t result libffi takes the low 32 bits; any value but 0 cancels. */
    *(ffi_arg *)result = state->calls == state->cancel_at ? (ffi_arg)(uint32_t)INT32_MIN : 0;
    set_mxcsr(found);
}

nepit_monitor ffi_monitor(void) {
    static ffi_cif interface;
    static ffi_type *types[] = {&ffi_type_pointer, &ffi_type_double};
    static void *code;
    if (code == NULL) {
        ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);
        if (closure == NULL || ffi_prep_cif(&interface, FFI_DEFAULT_ABI, 2, &ffi_type_sint32, types) != FFI_OK ||
            ffi_prep_closure_loc(closure, &interface, monitor, NULL, code) != FFI_OK) {
            give_up("libffi makes no closures here");
        }
    }
    nepit_monitor made;
    memcpy(&made, &code, sizeof made);
    return made;
}
