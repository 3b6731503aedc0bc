/* harness.c - the C harness: runs the library as C and foreign languages do. README.md says how to use it.
 *
 *     clang -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=undefined -fno-sanitize-recover=undefined \
 *         -Wall -Wextra -Werror -IInclude Tests/CHarness/{call,contract,describe,dtype,harness,trial,vectors,watch}.c \
 *         -o build/charness -rdynamic -lffi -ldl -lpthread -lm
 *
 * gcc takes the same line, with or without the sanitizer.
 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: charness vectors  [option...] FILE...   every function on the shared vectors, called both ways\n"
    "       charness digests  [option...] FILE...   what Tests/Vectors/digests is to hold (`make digests`)\n"
    "       charness contract [option...]           every function against what nepit.h says of it\n"
    "  --library PATH      the library (build/lib/libnepit.so)\n"
    "  --description PATH  what header.py --contract wrote (build/contract.txt)\n"
    "  --only FUNCTION     this function alone\n"
    "  --calls N           contract: calls of each function, about (3000)\n"
    "  --seed N            contract: of the random numbers (of the clock)\n"
    "  --jobs N            contract: functions at once (as many as there are processors)\n"
    "  --problems N        contract: of a function before it is left (5)\n"
    "  --default-environment  contract: no other floating-point environment; valgrind knows none\n"
    "  --verbose           vectors: the digest after each case; contract: each kind of call\n";

int main(int count, char **words) {
    if (count < 2) {
        fputs(usage, stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    options how = {.calls = 3000, .problems = 5, .seed = (uint64_t)time(NULL)};
    const char *library = "build/lib/libnepit.so", *described = "build/contract.txt";
    int i = 2;
    for (; i < count && strncmp(words[i], "--", 2) == 0; i++) {
        const char *name = words[i];
        if (strcmp(name, "--verbose") == 0) {
            how.verbose = true;
            continue;
        }
        if (strcmp(name, "--default-environment") == 0) {
            how.default_environment = true;
            continue;
        }
        if (++i == count) give_up("%s needs a value", name);
        if (strcmp(name, "--library") == 0) library = words[i];
        else if (strcmp(name, "--description") == 0) described = words[i];
        else if (strcmp(name, "--only") == 0) how.only = words[i];
        else if (strcmp(name, "--calls") == 0) how.calls = strtol(words[i], NULL, 10);
        else if (strcmp(name, "--jobs") == 0) how.jobs = (int)strtol(words[i], NULL, 10);
        else if (strcmp(name, "--problems") == 0) how.problems = (int)strtol(words[i], NULL, 10);
        else if (strcmp(name, "--seed") == 0) how.seed = strtoull(words[i], NULL, 10);
        else give_up("no option %s", name);
    }
    description all = read_description(described);
    if (how.only != NULL && find_function(&all, how.only) == NULL) give_up("nepit.h has no function %s", how.only);
    open_library(library);

    const char *(*const version)(void) = (const char *(*)(void))find_symbol("nepit_version");
    const char *(*const isa)(void) = (const char *(*)(void))find_symbol("nepit_isa");
    how.bare = strcmp(words[1], "digests") == 0;
    if (!how.bare) printf("library %s\nversion %s\nisa %s\n", library, version ? version() : "?", isa ? isa() : "?");

    int status;
    if (how.bare || strcmp(words[1], "vectors") == 0) status = run_vectors(&all, &how, count - i, words + i);
    else if (strcmp(words[1], "contract") == 0) status = run_contract(&all, &how);
    else give_up("no mode %s", words[1]);
    free(all.functions);
    return status;
}
