/* processes.c - the library in the company that it may find itself in.
 *
 *     processes DIRECTORY LIBRARY [MODE...]
 *
 * Everything is held to one number: the digest of a fixed piece of work over both sections, which must come out the
 * same whatever goes on around it. Each mode runs in a process of its own. DIRECTORY holds what run.sh has built: the
 * stand-in for an older library, its clients, the host in Swift.
 */
#include "nepit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { ROWS = 9, COLS = 2003, LONG = 300000, SECONDS = 300 };

static const char *directory, *shipped;

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("FAIL  ");
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ------------------------------------------------------------ the library */

/* One loaded library: what the work needs of it. */
#define FUNCTIONS(F)                                                                                                   \
    F(nepit_version) F(nepit_entropy) F(nepit_kl_divergence_gradient) F(nepit_renyi_divergence)                        \
    F(nepit_generalized_jensen_shannon) F(nepit_softmax_cross_entropy) F(nepit_logits_comparison_create)               \
    F(nepit_logits_comparison_update) F(nepit_logits_comparison_save) F(nepit_logits_comparison_destroy)

typedef struct {
    void *handle;
#define MEMBER(name) __typeof__(&name) name;
    FUNCTIONS(MEMBER)
#undef MEMBER
} library;

static void *opened(const char *path, int flags) {
    void *handle = dlopen(path, flags);
    if (handle == NULL) fail("%s", dlerror());
    return handle;
}

static void find(void *handle, const char *name, void *function) {
    void *symbol = dlsym(handle, name);
    if (symbol == NULL) fail("%s", dlerror());
    memcpy(function, &symbol, sizeof symbol);
}

static library load(const char *path, int flags) {
    library made = {.handle = opened(path, RTLD_NOW | flags)};
#define FIND(name) find(made.handle, #name, &made.name);
    FUNCTIONS(FIND)
#undef FIND
    return made;
}

/* --------------------------------------------------------------- the work */

static double weights[2][LONG], mixing[3] = {1, 2, 0.5};
static float logits[2][ROWS * COLS];
static int32_t labels[ROWS];

static void prepare(void) {
    uint64_t state = 1;
    for (size_t i = 0; i < 2 * LONG; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        weights[i / LONG][i % LONG] = (double)(state >> 11) * 0x1p-53;
    }
    for (size_t i = 0; i < 2 * ROWS * COLS; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        logits[i / (ROWS * COLS)][i % (ROWS * COLS)] = (float)(state >> 40) * 0x1p-20f - 8;
    }
    for (int i = 0; i < ROWS; i++) labels[i] = i == 4 ? -100 : (i * 577) % COLS;
}

typedef struct {                    /* where one thread's results go */
    double values[4 * ROWS + COLS];
    float gradient[ROWS * COLS];
    unsigned char saved[1 << 16];
} results;

static uint64_t fnv1a(uint64_t digest, const void *bytes, size_t count) {
    for (const unsigned char *at = bytes; count > 0; count--) digest = (digest ^ *at++) * UINT64_C(0x100000001b3);
    return digest;
}

static void ok(nepit_status status) {
    if (status != NEPIT_OK) fail("a call gives the status %d", status);
}

static atomic_int calling;          /* threads that are inside the library */
static atomic_long calls;

/* The digest of all that the functions give, computed by so many threads. */
static uint64_t work(const library *l, int32_t threads) {
    static _Thread_local results *r;
    if (r == NULL && (r = malloc(sizeof *r)) == NULL) fail("no memory");
    memset(r, 0, sizeof *r);
    const nepit_execution execution = {sizeof execution, threads, NULL, NULL}, *how = &execution;
    const nepit_array p = nepit_rows_f64(weights[0], ROWS, COLS), q = nepit_rows_f64(weights[1], ROWS, COLS);
    const nepit_array base = nepit_rows_f32(logits[0], ROWS, COLS), test = nepit_rows_f32(logits[1], ROWS, COLS);
    const nepit_array tokens = nepit_rows(labels, ROWS, 1, NEPIT_I32);
    const nepit_mutable_array gradient = nepit_mutable_rows(r->gradient, ROWS, COLS, NEPIT_F32);
    double *at = r->values;
    calling++;
    ok(l->nepit_entropy(nepit_vector_f64(weights[0], LONG), 2, how, at++));
    ok(l->nepit_renyi_divergence(nepit_vector_f64(weights[0], LONG), nepit_vector_f64(weights[1], LONG), 0.7, 2, how, at++));
    ok(l->nepit_kl_divergence_gradient(p, q, NEPIT_E, how, at, gradient, nepit_no_array()));
    at += ROWS;
    uint64_t digest = fnv1a(UINT64_C(0xcbf29ce484222325), r->gradient, sizeof r->gradient);
    /* Columns: rows whose elements lie far apart, for which memory is borrowed. */
    ok(l->nepit_entropy(nepit_columns(weights[1], ROWS, COLS, NEPIT_F64), 2, how, at));
    at += COLS;
    ok(l->nepit_generalized_jensen_shannon(p, 3, mixing, 2, how, at));
    at += ROWS / 3;
    ok(l->nepit_softmax_cross_entropy(base, tokens, nepit_rows(NULL, 0, 0, NEPIT_F64), nepit_rows(NULL, 0, 0, NEPIT_F64),
                                      NULL, how, at, at + 1, at + 1 + ROWS, NULL, NULL, gradient));
    digest = fnv1a(digest, r->gradient, sizeof r->gradient);
    nepit_logits_comparison *comparison;
    size_t length = 0;
    ok(l->nepit_logits_comparison_create(COLS, 10, 0, 0, &comparison));
    ok(l->nepit_logits_comparison_update(comparison, base, test, tokens, how, nepit_no_array()));
    ok(l->nepit_logits_comparison_save(comparison, sizeof r->saved, r->saved, &length));
    l->nepit_logits_comparison_destroy(comparison);
    calling--;
    calls += 10;
    digest = fnv1a(digest, r->saved, length);
    return fnv1a(digest, r->values, sizeof r->values);
}

static uint64_t expected;           /* the digest, by one thread, with nothing going on */

/* Looks at a result. In a child of fork it is the exit status that tells. */
static void same(uint64_t digest, const char *when) {
    if (digest != expected) {
        fail("%s the digest is %016llx, not %016llx", when, (unsigned long long)digest, (unsigned long long)expected);
    }
}

static void wait_for(pid_t child, const char *what) {
    int status = 0;
    if (child < 0) fail("fork: %s", strerror(errno));
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (WIFSIGNALED(status)) fail("%s ends by %s", what, strsignal(WTERMSIG(status)));
    if (status != 0) fail("%s ends with status %d", what, WEXITSTATUS(status));
}

/* What the process has of addresses, and of memory. */
static void measure(long *addresses, long *resident) {
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", addresses, resident) != 2) fail("/proc/self/statm cannot be read");
    fclose(file);
    *addresses *= sysconf(_SC_PAGESIZE);
    *resident *= sysconf(_SC_PAGESIZE);
}

static long address_space(void) {
    long addresses, resident;
    measure(&addresses, &resident);
    return addresses;
}

static long resident(void) {
    long addresses, resident;
    measure(&addresses, &resident);
    return resident;
}

/* A copy of the library's file under another name. */
static const char *copied(const char *name) {
    static char path[4096], block[1 << 16];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *from = fopen(shipped, "rb"), *to = fopen(path, "wb");
    if (from == NULL || to == NULL) fail("%s cannot be copied to %s", shipped, path);
    for (size_t n; (n = fread(block, 1, sizeof block, from)) > 0;) {
        if (fwrite(block, 1, n, to) != n) fail("%s cannot be written", path);
    }
    fclose(from);
    if (fclose(to) != 0) fail("%s cannot be written", path);
    return path;
}

/* ------------------------------------------------------------ many threads */

enum { CALLERS = 16 };
static library the;
static pthread_barrier_t together;

static void *call_often(void *argument) {
    const int *turns = argument;
    for (int i = 0; i < *turns; i++) same(work(&the, i % 4), "among many threads");
    return NULL;
}

static void *call_first(void *l) {
    pthread_barrier_wait(&together);
    same(work(l, 2), "in the first calls, of many threads at once,");
    return NULL;
}

static void many_threads(void) {
    pthread_t threads[CALLERS];
    int turns = 20;
    for (int i = 0; i < CALLERS; i++) pthread_create(&threads[i], NULL, call_often, &turns);
    for (int i = 0; i < CALLERS; i++) pthread_join(threads[i], NULL);

    /* What is found out in the first call, they find out together. */
    const int loads = 20;
    pthread_barrier_init(&together, NULL, CALLERS);
    for (int k = 0; k < loads; k++) {
        library fresh = load(copied("first.so"), 0);
        for (int i = 0; i < CALLERS; i++) pthread_create(&threads[i], NULL, call_first, &fresh);
        for (int i = 0; i < CALLERS; i++) pthread_join(threads[i], NULL);
        dlclose(fresh.handle);
    }
    printf("%d threads at once, %ld calls, of %d loads their first ones", CALLERS, (long)calls, loads);
}

/* ------------------------------------------------------------------- fork */

static atomic_bool enough;

static void *call_on(void *argument) {
    const library *l = argument;
    while (!enough) same(work(l, 3), "while others fork");
    return NULL;
}

static pid_t forked_by;

/* Forks in the middle of the calling thread's own call; the child goes on with it. */
static int32_t forking_monitor(void *context, double progress) {
    pid_t *child = context;
    if (*child == 0 && progress > 0.3 && getpid() == forked_by) *child = fork();
    return 0;
}

static void forks(void) {
    pthread_t thread;
    int forks = 0, inside = 0;
    pthread_create(&thread, NULL, call_on, &the);
    for (; forks < 400; forks++) {
        const bool was_inside = calling > 0;
        fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            alarm(60);
            same(work(&the, forks % 4), "in a child of fork");
            _exit(0);
        }
        inside += was_inside && calling > 0;
        wait_for(child, "a child of fork");
        usleep((unsigned)(forks * 37 % 1000));
    }
    enough = true;
    pthread_join(thread, NULL);

    /* While the library finds out about the processor. */
    for (int i = 0; i < 50; i++) {
        library fresh = load(copied("forked.so"), 0);
        enough = false;
        pthread_create(&thread, NULL, call_on, &fresh);
        fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            alarm(60);
            same(work(&fresh, 2), "in a child made during the first call");
            _exit(0);
        }
        enough = true;
        pthread_join(thread, NULL);
        wait_for(child, "a child made during the first call");
        dlclose(fresh.handle);
    }

    /* In the monitor, on the only thread of the call: both go on to the end of it. */
    double alone, out;
    pid_t child = 0;
    nepit_execution how = {sizeof how, 1, NULL, NULL};
    const nepit_array p = nepit_vector_f64(weights[0], LONG), q = nepit_vector_f64(weights[1], LONG);
    ok(the.nepit_renyi_divergence(p, q, 0.3, 2, &how, &alone));
    how.monitor = forking_monitor;
    how.context = &child;
    forked_by = getpid();
    fflush(stdout);
    ok(the.nepit_renyi_divergence(p, q, 0.3, 2, &how, &out));
    if (memcmp(&alone, &out, sizeof out) != 0) fail("a call whose monitor forks gives %a, not %a", out, alone);
    if (getpid() != forked_by) _exit(0);
    if (child == 0) fail("the monitor was not called");
    wait_for(child, "a child made in a monitor");
    printf("%d children, %d made while another thread was inside a call, 50 during the first, 1 in a monitor", forks, inside);
}

/* ----------------------------------------------------------------- reload */


static int mappings(void) {
    int lines = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    if (file == NULL) fail("/proc/self/maps cannot be read");
    for (int c; (c = getc(file)) != EOF;) lines += c == '\n';
    fclose(file);
    return lines;
}

static void reloads(void) {
    const int loads = 10000, settled = 500;
    long bytes_then = 0;
    int maps_then = 0;
    dlclose(the.handle);
    for (int i = 0; i < loads; i++) {
        library again = load(shipped, 0);
        if (i % 50 == 0) same(work(&again, 2), "loaded again");
        double out;
        ok(again.nepit_entropy(nepit_vector_f64(weights[0], 100), 2, NULL, &out));
        dlclose(again.handle);
        if (dlopen(shipped, RTLD_NOW | RTLD_NOLOAD) != NULL) fail("after dlclose the library is still there");
        if (i != settled) continue;
        bytes_then = resident();
        maps_then = mappings();
    }
    const long bytes = resident() - bytes_then;
    const int maps = mappings() - maps_then;
    /* glibc keeps a few stacks and heaps of threads, whenever the first of them comes; a leak would be thousands. */
    if (bytes > 1 << 18 || maps > 8) fail("%d loads take %ld bytes and %d mappings", loads, bytes, maps);
    printf("%d loads: %+ld KiB resident and %+d mappings since the %dth", loads, bytes / 1024, maps, settled);
}

/* ----------------------------------------------------------------- copies */

static void copies(void) {
    library second = load(copied("second.so"), RTLD_GLOBAL);
    library third = load(copied("third.so"), RTLD_LOCAL | RTLD_DEEPBIND);
    const library *all[] = {&the, &second, &third};
    for (int i = 0; i < 3; i++) {
        if (i > 0 && all[i]->nepit_entropy == the.nepit_entropy) fail("two copies have the same functions");
        same(work(all[i], 2), "beside a second copy");
    }
    pthread_t threads[3];
    enough = false;
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, call_on, (void *)all[i]);
    sleep(1);
    enough = true;
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    dlclose(second.handle);
    same(work(&the, 2), "after a second copy is gone");
    dlclose(the.handle);
    same(work(&third, 2), "after the first copy is gone");
    printf("3 copies, %ld calls", (long)calls);
}

/* ------------------------------------------------------------------ older */

typedef struct {
    void *handle;
    const char *(*version)(void);
    double (*entropy)(const double *, size_t);
} client;

static client load_client(const char *name, int flags) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    client made = {.handle = opened(path, RTLD_NOW | flags)};
    find(made.handle, "client_version", &made.version);
    find(made.handle, "client_entropy", &made.entropy);
    return made;
}

/* Programs linked with a library of another SONAME get that one, programs linked with this one this one: the symbols'
 * versions tell them apart, where the order of loading alone would give both the first. */
static void older_in_order(bool older_first) {
    const char *names[] = {"client_older.so", "client_shipped.so"};
    client clients[2];
    for (int i = 0; i < 2; i++) {
        const int which = older_first ? i : 1 - i;
        clients[which] = load_client(names[which], RTLD_GLOBAL);
    }
    the = load(shipped, RTLD_GLOBAL);
    double out;
    ok(the.nepit_entropy(nepit_vector_f64(weights[0], COLS), 2, NULL, &out));
    if (strcmp(clients[0].version(), "older") != 0 || clients[0].entropy(weights[0], COLS) != -1) {
        fail("a client of the older library is given version %s", clients[0].version());
    }
    if (strcmp(clients[1].version(), the.nepit_version()) != 0 || clients[1].entropy(weights[0], COLS) != out) {
        fail("a client of the shipped library is given version %s", clients[1].version());
    }
    same(work(&the, 2), "beside an older version");
}

static void older(void) {
    dlclose(the.handle);
    for (int first = 0; first < 2; first++) {
        fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            older_in_order(first);
            _exit(0);
        }
        wait_for(child, "a process with two versions");
    }
    /* Linked with an earlier library of the same SONAME, which had fewer functions: it is given this one. */
    client earlier = load_client("client_earlier.so", RTLD_LOCAL);
    the = load(shipped, 0);
    double out;
    ok(the.nepit_entropy(nepit_vector_f64(weights[0], COLS), 2, NULL, &out));
    if (strcmp(earlier.version(), the.nepit_version()) != 0 || earlier.entropy(weights[0], COLS) != out) {
        fail("a client of an earlier library of the same SONAME is given version %s", earlier.version());
    }
    /* A host with functions of the library's names, without a version: the library calls its own. */
    char path[4096];
    snprintf(path, sizeof path, "%s/impostor.so", directory);
    opened(path, RTLD_NOW | RTLD_GLOBAL);
    dlclose(earlier.handle);
    dlclose(the.handle);
    the = load(shipped, 0);
    same(work(&the, 2), "beside functions of the same names");
    printf("an older one first and last, an earlier 0.x, functions of the same names");
}

/* ------------------------------------------------------------------ swift */

/* The same numbers as in host.swift, from a process that has the Swift runtime, uses it, and loads the library. */
static void swift(void) {
    static double row[1000];
    char command[8192];
    snprintf(command, sizeof command, "%s/host %s", directory, shipped);
    FILE *host = popen(command, "r");
    if (host == NULL) fail("popen: %s", strerror(errno));
    int rows = 0;
    unsigned long long bits;
    for (; fscanf(host, "%llx", &bits) == 1; rows++) {
        const size_t n = 1 + (size_t)rows * 7 % 1000;
        for (size_t i = 0; i < n; i++) row[i] = (double)(1 + (i * i + (size_t)rows) % 97);
        double out;
        ok(the.nepit_entropy(nepit_vector_f64(row, n), 2, NULL, &out));
        uint64_t want;
        memcpy(&want, &out, sizeof want);
        if (want != bits) fail("row %d has the bits %016llx in a program in Swift, not %016llx", rows, bits, (unsigned long long)want);
    }
    const int status = pclose(host);
    if (status != 0) fail("the program in Swift ends with status %d", status);
    if (rows < 1000) fail("the program in Swift has printed %d rows", rows);
    printf("%d results of a program with the Swift runtime", rows);
}

/* ---------------------------------------------------------------- signals */

static pthread_t caller;
static volatile sig_atomic_t ticks, inside_library, elsewhere;
static uintptr_t text_start, text_end;

static void tick(int signal_, siginfo_t *info, void *context) {
    (void)signal_;
    (void)info;
    const ucontext_t *where = context;
    const uintptr_t at = (uintptr_t)where->uc_mcontext.gregs[REG_RIP];
    ticks++;
    if (at >= text_start && at < text_end) inside_library++;
    if (!pthread_equal(pthread_self(), caller)) elsewhere++;
    /* A handler may compute, in any environment. */
    _mm_setcsr(0xffc0);
    volatile double x = 1;
    for (int i = 0; i < 20; i++) x = x / 3 + 1e-300;
}

static void find_text(const char *path) {
    char line[4096], name[4096], real[4096], permissions[8];
    if (realpath(path, real) == NULL) fail("%s is not there", path);
    FILE *file = fopen("/proc/self/maps", "r");
    if (file == NULL) fail("/proc/self/maps cannot be read");
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long low, high;
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %4095s", &low, &high, permissions, name) != 4) continue;
        if (strcmp(name, real) != 0 || permissions[2] != 'x') continue;
        text_start = low;
        text_end = high;
    }
    fclose(file);
}

static void signals(void) {
    find_text(shipped);
    caller = pthread_self();
    struct sigaction action = {.sa_sigaction = tick, .sa_flags = SA_SIGINFO};   /* no SA_RESTART: EINTR everywhere */
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, NULL);
    const double start = seconds();
    while (seconds() - start < 4) same(work(&the, (int32_t)(calls / 10 % 4)), "among signals");
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    if (elsewhere > 0) fail("%d of %d signals were handled on a thread of the library", (int)elsewhere, (int)ticks);
    if (inside_library < 100) fail("%d of %d signals came while the library ran", (int)inside_library, (int)ticks);
    printf("%d signals, %d inside the library's code, 0 on its threads; %ld calls", (int)ticks, (int)inside_library,
           (long)calls);
}

/* ----------------------------------------------------------------- memory */

typedef struct {
    double values[2 + COLS];
    nepit_status created, updated;
} outcome;

/* Calls that allocate nothing, but borrow memory and start threads if they can; then calls that allocate. */
static outcome calls_without(void) {
    outcome got = {.updated = NEPIT_ERROR_MEMORY};
    const nepit_execution how = {sizeof how, 4, NULL, NULL};
    const nepit_array p = nepit_vector_f64(weights[0], LONG), q = nepit_vector_f64(weights[1], LONG);
    ok(the.nepit_entropy(p, 2, &how, &got.values[0]));
    ok(the.nepit_renyi_divergence(p, q, 0.7, 2, &how, &got.values[1]));
    ok(the.nepit_entropy(nepit_columns(weights[1], ROWS, COLS, NEPIT_F64), 2, &how, &got.values[2]));
    nepit_logits_comparison *comparison;
    got.created = the.nepit_logits_comparison_create(COLS, 10, 12, 0, &comparison);
    if (got.created != NEPIT_OK) return got;
    got.updated = the.nepit_logits_comparison_update(comparison, nepit_rows_f32(logits[0], ROWS, COLS),
                                                     nepit_rows_f32(logits[1], ROWS, COLS),
                                                     nepit_rows(labels, ROWS, 1, NEPIT_I32), &how, nepit_no_array());
    the.nepit_logits_comparison_destroy(comparison);
    return got;
}

/* The kernel refuses memory, and with it the stacks of threads. */
static void memory(void) {
    static outcome want, got;
    int processes = 0, *refusals = mmap(NULL, sizeof *refusals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (refusals == MAP_FAILED) fail("no memory");
    want = calls_without();
    const long room_of_all = 160 << 20;
    for (long room = 0; room <= room_of_all; room += room < 1 << 20 ? 1 << 15 : 1 << 21, processes++) {
        fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            struct rlimit limit;
            getrlimit(RLIMIT_AS, &limit);
            const rlim_t whole = limit.rlim_cur;
            limit.rlim_cur = (rlim_t)(address_space() + room);
            setrlimit(RLIMIT_AS, &limit);
            got = calls_without();
            limit.rlim_cur = whole;
            setrlimit(RLIMIT_AS, &limit);
            if (memcmp(got.values, want.values, sizeof got.values) != 0) fail("with room for %ld bytes a result is another", room);
            if (got.created == NEPIT_ERROR_MEMORY || got.updated == NEPIT_ERROR_MEMORY) ++*refusals;
            else ok(got.created + got.updated);
            same(work(&the, 2), "after memory had run out");
            _exit(0);
        }
        wait_for(child, "a process without memory");
    }
    if (*refusals == 0 || *refusals == processes) fail("%d of %d processes had no memory", *refusals, processes);
    printf("%d limits of the address space, %d too low for calls that allocate", processes, *refusals);
}

/* ------------------------------------------------------------ environment */

static uint16_t x87_status(void) {
    uint16_t word;
    __asm__ volatile("fnstsw %0" : "=m"(word));
    return word;
}

static uint16_t x87_control(void) {
    uint16_t word;
    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
}

static void environments(void) {
    static const int roundings[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    int environments = 0;
    for (int k = 0; k < 4 * 4 * 2 * 2; k++) {
        fesetenv(FE_DFL_ENV);
        fesetround(roundings[k % 4]);
        _MM_SET_FLUSH_ZERO_MODE(k / 4 % 2 ? _MM_FLUSH_ZERO_ON : _MM_FLUSH_ZERO_OFF);
        _mm_setcsr((_mm_getcsr() & ~0x40u) | (k / 8 % 2 ? 0x40u : 0));  /* denormals are zero */
        if (k / 16 % 2) feraiseexcept(FE_ALL_EXCEPT);
        else if (k / 32 % 2) feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW | FE_INEXACT);
        const uint32_t mxcsr = _mm_getcsr();
        const uint16_t status = x87_status(), control = x87_control();
        const uint64_t digest = work(&the, k % 3);
        const bool kept = _mm_getcsr() == mxcsr && x87_status() == status && x87_control() == control;
        const int rounding = fegetround(), flags = fetestexcept(FE_ALL_EXCEPT);
        fesetenv(FE_DFL_ENV);
        if (!kept) fail("with MXCSR 0x%04x the environment has changed", mxcsr);
        if (rounding != roundings[k % 4]) fail("the rounding mode has changed");
        if (flags != (k / 16 % 2 ? FE_ALL_EXCEPT : 0)) fail("the flags have changed to %x", flags);
        if (digest != expected) printf("MXCSR 0x%04x: ", mxcsr);
        same(digest, "in another floating-point environment");
        environments++;
    }
    printf("%d environments: 4 rounding modes, flush-to-zero, denormals-are-zero, flags raised or exceptions unmasked",
           environments);
}

/* ------------------------------------------------------------------- main */

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {
    {"threads", many_threads}, {"fork", forks},      {"reload", reloads},   {"copies", copies},
    {"older", older},          {"swift", swift},     {"signals", signals},  {"environment", environments},
    {"memory", memory},
};

int main(int count, char **words) {
    if (count < 3) {
        fprintf(stderr, "processes DIRECTORY LIBRARY [MODE...]\n");
        return 2;
    }
    directory = words[1];
    shipped = words[2];
    prepare();
    int failures = 0, run = 0;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        bool wanted = count == 3;
        for (int k = 3; k < count; k++) wanted |= strcmp(words[k], modes[i].name) == 0;
        if (!wanted) continue;
        run++;
        printf("%-12s", modes[i].name);
        fflush(stdout);
        const double start = seconds();
        const pid_t child = fork();
        if (child == 0) {
            alarm(SECONDS);
            the = load(shipped, 0);
            expected = work(&the, 1);
            calls = 0;
            modes[i].run();
            fflush(stdout);
            _exit(0);
        }
        int status = 0;
        if (child < 0) fail("fork: %s", strerror(errno));
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
        if (WIFSIGNALED(status)) printf("FAIL  ends by %s", strsignal(WTERMSIG(status)));
        printf("%s(%.1f s)\n", status == 0 ? "  " : "\n", seconds() - start);
        failures += status != 0;
    }
    if (run == 0) {
        fprintf(stderr, "processes: no such mode\n");
        return 2;
    }
    printf("%d modes, %d failed\n", run, failures);
    return failures > 0;
}
