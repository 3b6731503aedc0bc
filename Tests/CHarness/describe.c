/* describe.c - reads what Tests/ABI/header.py wrote: words on lines. */
#include "harness.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int32_t status;
} statuses[] = {
    {"OK", NEPIT_OK},
    {"NULL", NEPIT_ERROR_NULL},
    {"SHAPE", NEPIT_ERROR_SHAPE},
    {"DTYPE", NEPIT_ERROR_DTYPE},
    {"BASE", NEPIT_ERROR_BASE},
    {"PARAMETER", NEPIT_ERROR_PARAMETER},
    {"SIZE", NEPIT_ERROR_SIZE},
    {"MEMORY", NEPIT_ERROR_MEMORY},
    {"CANCELLED", NEPIT_ERROR_CANCELLED},
};
static const char *const kinds[] = {
    "array", "mutable", "number", "base", "count", "execution", "doubles", "int32s", "status",
};
#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

void give_up(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("charness: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

const char *status_name(int32_t status) {
    for (int i = 0; i < COUNT_OF(statuses); i++) {
        if (statuses[i].status == status) return statuses[i].name;
    }
    return "an unknown status";
}

static int32_t status_named(const char *name) {
    for (int i = 0; i < COUNT_OF(statuses); i++) {
        if (strcmp(statuses[i].name, name) == 0) return statuses[i].status;
    }
    give_up("the description names the status %s, which describe.c does not know", name);
}

static const char *word(void) { return strtok(NULL, " \n"); }

static void copy(char *to, const char *from) {
    if (from == NULL || strlen(from) >= MAX_NAME) give_up("the description has a name that is missing or too long");
    strcpy(to, from);
}

static void read_parameter(parameter *p) {
    copy(p->name, word());
    const char *kind = word();
    for (p->kind = 0; strcmp(kinds[p->kind], kind) != 0; p->kind++) {
        if ((int)p->kind + 1 == COUNT_OF(kinds)) give_up("describe.c does not know the kind %s of %s", kind, p->name);
    }
    p->out = strcmp(word(), "out") == 0;
    p->optional = strcmp(word(), "optional") == 0;
    if (p->kind == NUMBER || p->kind == COUNT) {
        p->low = strtod(word(), NULL);
        p->low_closed = strcmp(word(), "closed") == 0;
        p->high = strtod(word(), NULL);
        p->high_closed = strcmp(word(), "closed") == 0;
    } else {
        const char *extent;
        for (int i = 0; (extent = word()) != NULL; i++) copy(p->extent[i], extent);
    }
}

description read_description(const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL) give_up("cannot read %s; Tests/ABI/header.py --contract %s writes it", path, path);
    description all = {0, NULL};
    function *f = NULL;
    char line[512];
    while (fgets(line, sizeof line, file) != NULL) {
        const char *first = strtok(line, " \n");
        if (first == NULL || first[0] == '#' || strcmp(first, "end") == 0) continue;
        if (strcmp(first, "function") == 0) {
            all.functions = realloc(all.functions, (size_t)(all.count + 1) * sizeof *all.functions);
            if (all.functions == NULL) give_up("no memory");
            f = &all.functions[all.count++];
            memset(f, 0, sizeof *f);
            copy(f->name, word());
            copy(f->section, word());
            f->returns_string = strcmp(word(), "string") == 0;
        } else if (f != NULL && strcmp(first, "statuses") == 0) {
            for (const char *name; (name = word()) != NULL;) f->statuses |= 1u << -status_named(name);
        } else if (f != NULL && strcmp(first, "allocates") == 0) {
            f->allocates = true;
        } else if (f != NULL && strcmp(first, "param") == 0 && f->count < MAX_PARAMETERS) {
            read_parameter(&f->parameters[f->count++]);
        } else {
            give_up("%s has a line that describe.c does not know: %s", path, first);
        }
    }
    fclose(file);
    return all;
}

const function *find_function(const description *all, const char *name) {
    for (int i = 0; i < all->count; i++) {
        if (strcmp(all->functions[i].name, name) == 0) return &all->functions[i];
    }
    return NULL;
}
