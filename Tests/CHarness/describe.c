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
    {"LABEL", NEPIT_ERROR_LABEL},
    {"FORMAT", NEPIT_ERROR_FORMAT},
};
static const char *const kinds[] = {
    "array", "mutable", "number", "base", "count", "execution", "doubles", "int32s", "status",
    "labels", "int64s", "choice", "record",
    "object", "made", "summary", "bytes", "sizes",
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

static void read_interval(double *low, bool *low_closed, double *high, bool *high_closed) {
    *low = strtod(word(), NULL);
    *low_closed = strcmp(word(), "closed") == 0;
    *high = strtod(word(), NULL);
    *high_closed = strcmp(word(), "closed") == 0;
}

void put_field(unsigned char *record, const field *which, double x) {
    if (which->type == A_DOUBLE) {
        memcpy(record + which->offset, &x, 8);
    } else if (which->type == AN_INT64) {
        const int64_t whole = (int64_t)x;
        memcpy(record + which->offset, &whole, 8);
    } else {
        const int32_t whole = (int32_t)x;
        memcpy(record + which->offset, &whole, 4);
    }
}

static void read_field(parameter *p) {
    if (p->field_count == MAX_FIELDS) give_up("%s has more fields than describe.c has room for", p->name);
    field *which = &p->fields[p->field_count++];
    copy(which->name, word());
    const char *type = word();
    which->type = strcmp(type, "double") == 0 ? A_DOUBLE : strcmp(type, "int64") == 0 ? AN_INT64 : AN_INT32;
    which->offset = strtoul(word(), NULL, 10);
    read_interval(&which->low, &which->low_closed, &which->high, &which->high_closed);
}

static void read_parameter(parameter *p) {
    p->place = -1;
    copy(p->name, word());
    const char *kind = word();
    for (p->kind = 0; strcmp(kinds[p->kind], kind) != 0; p->kind++) {
        if ((int)p->kind + 1 == COUNT_OF(kinds)) give_up("describe.c does not know the kind %s of %s", kind, p->name);
    }
    const char *direction = word();
    p->out = strcmp(direction, "out") == 0;
    p->changes = strcmp(direction, "inout") == 0;
    p->optional = strcmp(word(), "optional") == 0;
    if (p->kind == OBJECT || p->kind == MADE || p->kind == SUMMARY) {
        copy(p->pointee, word());
        if (p->kind == SUMMARY) p->record_size = strtoul(word(), NULL, 10);
        return;
    }
    if (p->kind == ARRAY) p->is_floating = strcmp(word(), "floats") == 0;
    if (p->kind == NUMBER || p->kind == COUNT || p->kind == CHOICE) {
        read_interval(&p->low, &p->low_closed, &p->high, &p->high_closed);
    } else if (p->kind == RECORD) {
        p->record_size = strtoul(word(), NULL, 10);
        if (p->record_size > MAX_RECORD) give_up("%s is larger than describe.c has room for", p->name);
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
            const char *result = word();
            f->returns_string = strcmp(result, "string") == 0;
            f->returns_nothing = strcmp(result, "nothing") == 0;
        } else if (f != NULL && strcmp(first, "statuses") == 0) {
            for (const char *name; (name = word()) != NULL;) f->statuses |= 1u << -status_named(name);
        } else if (f != NULL && strcmp(first, "allocates") == 0) {
            f->allocates = true;
        } else if (f != NULL && strcmp(first, "param") == 0 && f->count < MAX_PARAMETERS) {
            read_parameter(&f->parameters[f->count++]);
        } else if (f != NULL && f->count > 0 && strcmp(first, "place") == 0) {
            f->parameters[f->count - 1].place = atoi(word());
        } else if (f != NULL && f->count > 0 && strcmp(first, "field") == 0) {
            read_field(&f->parameters[f->count - 1]);
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
