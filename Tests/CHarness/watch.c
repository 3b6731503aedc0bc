/* watch.c - counts, and refuses on request, the memory and the threads that the library asks for.
 *
 * The program's definitions of malloc and its kin, mmap and pthread_create come before glibc's when the library is
 * loaded, so its requests pass through here. What is counted: requests between watch_start and watch_stop, on the
 * calling thread and on the threads that it makes, without glibc's own for a new thread.
 */
#include "harness.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The sanitizers and valgrind have a malloc of their own: under them the counting of memory is left out. */
#ifndef OWN_MALLOC
#define OWN_MALLOC (!ADDRESS_SANITIZER && !THREAD_SANITIZER)
#endif

static atomic_int allocations, failed, live, threads, ended, refused, unmasked;
static atomic_long held, most;
static int refusing, refuse_from, refuse_count;
static _Thread_local bool counting;

void watch_start(int refuse, int from, int count) {
    allocations = failed = live = threads = ended = refused = unmasked = 0;
    held = most = 0;
    refusing = refuse;
    refuse_from = from;
    refuse_count = count;
    counting = true;
}

watched watch_stop(void) {
    counting = false;
    return (watched){
        .allocations = allocations, .failed = failed, .most = (size_t)most, .live = live,
        .threads = threads, .ended = ended, .refused = refused, .unmasked = unmasked,
    };
}

/* ----------------------------------------------------------------- memory */

/* Whether it is the turn of a request of the kind that is refused. */
static bool is_refused(int number) { return number >= refuse_from && number - refuse_from < refuse_count; }

static bool grant(void) {
    if (!counting) return true;
    const int number = allocations++;
    if (refusing != REFUSE_MEMORY || !is_refused(number)) return true;
    failed++;
    errno = ENOMEM;
    return false;
}

static void took(size_t bytes) {
    if (!counting) return;
    live++;
    const long now = held += (long)bytes;
    for (long seen = most; now > seen && !atomic_compare_exchange_weak(&most, &seen, now);) {}
}

static void gave(size_t bytes) {
    if (!counting) return;
    live--;
    held -= (long)bytes;
}

#if OWN_MALLOC
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static void *taken(void *memory) {
    if (memory != NULL && counting) took(malloc_usable_size(memory));
    return memory;
}

void *malloc(size_t size) { return grant() ? taken(__libc_malloc(size)) : NULL; }
void *calloc(size_t count, size_t size) { return grant() ? taken(__libc_calloc(count, size)) : NULL; }
void *memalign(size_t alignment, size_t size) { return grant() ? taken(__libc_memalign(alignment, size)) : NULL; }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    void *made = memalign(alignment, size);
    if (made == NULL) return ENOMEM;
    *memory = made;
    return 0;
}

void *realloc(void *old, size_t size) {
    if (!grant()) return NULL;
    const size_t before = counting && old != NULL ? malloc_usable_size(old) : 0;
    void *made = __libc_realloc(old, size);
    if (made != NULL && old != NULL) gave(before);
    return taken(made);
}

void free(void *memory) {
    if (memory != NULL && counting) gave(malloc_usable_size(memory));
    __libc_free(memory);
}
#endif

void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
    if (!grant()) return MAP_FAILED;
    void *made = (void *)syscall(SYS_mmap, at, size, protection, flags, file, offset);
    if (made != MAP_FAILED) took(size);
    return made;
}

int munmap(void *at, size_t size) {
    gave(size);
    return (int)syscall(SYS_munmap, at, size);
}

/* ---------------------------------------------------------------- threads */

typedef struct {
    void *(*run)(void *);
    void *argument;
} job;

static void *start(void *argument) {
    job work = *(job *)argument;
    free(argument);
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    const int signals[] = {SIGINT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1, SIGPROF, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (!sigismember(&mask, signals[i])) {
            unmasked++;
            break;
        }
    }
    counting = true;
    void *result = work.run(work.argument);
    counting = false;
    ended++;
    return result;
}

/* The sanitizers', which have to know of every thread; NULL without one. */
extern int __interceptor_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
    __attribute__((weak));
extern int __interceptor_pthread_join(pthread_t, void **) __attribute__((weak));

/* glibc's own definition, stored into a pointer to a function unless one is there. */
static void next_definition(void *pointer, const char *name) {
    void *symbol;
    memcpy(&symbol, pointer, sizeof symbol);
    if (symbol == NULL) symbol = dlsym(RTLD_NEXT, name);
    memcpy(pointer, &symbol, sizeof symbol);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    real = __interceptor_pthread_create;
    next_definition(&real, "pthread_create");
    if (!counting) return real(thread, attributes, run, argument);
    const int number = threads++;
    if (refusing == REFUSE_THREADS && is_refused(number)) {
        refused++;
        return EAGAIN;
    }
    counting = false;
    job *work = malloc(sizeof *work);
    int result = EAGAIN;
    if (work != NULL) {
        *work = (job){run, argument};
        result = real(thread, attributes, start, work);
        if (result != 0) free(work);
    }
    if (result != 0) refused++;
    counting = true;
    return result;
}

/* Joining, glibc may free what it kept for the thread. */
int pthread_join(pthread_t thread, void **result) {
    static int (*real)(pthread_t, void **);
    real = __interceptor_pthread_join;
    next_definition(&real, "pthread_join");
    const bool kept = counting;
    counting = false;
    const int status = real(thread, result);
    counting = kept;
    return status;
}
