/* File entropy: how surprising the bytes of files are, and how much the files differ.
 *
 *     file_entropy FILE...        a FILE of - is standard input
 *
 * Memory does not grow with the files: they are counted a buffer at a time.
 * Exit status: 0 all went well; 1 a file could not be used, and the tables are of the others; 2 wrong usage;
 * 130 interrupted.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <nepit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SYMBOLS = 256, BUFFER = 1 << 18 };
enum { SUCCESS = 0, FILE_FAILED = 1, USAGE = 2, INTERRUPTED = 130 };

/* There is nothing to put away, so the handler itself ends the program: no read can miss the signal. */
static void interrupt(int signal) {
    static const char line[] = "file_entropy: interrupted\n";
    const ssize_t written = write(STDERR_FILENO, line, sizeof line - 1);
    (void)signal, (void)written;
    _exit(INTERRUPTED);
}

static void complain(const char *subject, const char *what) {
    fprintf(stderr, "file_entropy: %s: %s\n", subject, what);
}

/* A wrong call would be a defect of this program, so there is nothing to do but say so. */
static void check(nepit_status status) {
    if (status == NEPIT_OK) return;
    complain("nepit", nepit_status_message(status));
    exit(FILE_FAILED);
}

/* Counts the bytes of a file. 0, or -1 after a complaint. */
static int count(const char *name, int64_t counts[SYMBOLS], int64_t *total) {
    static unsigned char buffer[BUFFER];
    const int is_input = strcmp(name, "-") == 0;
    ssize_t n = -1;

    memset(counts, 0, SYMBOLS * sizeof *counts);
    *total = 0;
    const int file = is_input ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        while ((n = read(file, buffer, sizeof buffer)) > 0) {
            for (ssize_t i = 0; i < n; i++) counts[buffer[i]]++;
            *total += n;
        }
    }
    const int error = n < 0 ? errno : 0;
    if (file >= 0 && !is_input) close(file);

    if (error) return complain(name, strerror(error)), -1;
    if (*total == 0) return complain(name, "no bytes, so no distribution"), -1;
    return 0;
}

static void print_entropies(char **names, const int64_t *counts, const int64_t *totals, size_t files, double *out) {
    printf("%5s %12s %12s %12s %16s\n", "", "bits/byte", "perplexity", "of 8 bits", "bytes");
    for (size_t i = 0; i < files; i++) {
        const nepit_array row = nepit_vector_i64(counts + i * SYMBOLS, SYMBOLS);
        double perplexity;
        check(nepit_entropy(row, 2, NULL, out));
        check(nepit_perplexity(row, NULL, &perplexity));
        printf("%5zu %12.6f %12.4f %10.2f %% %16lld  %s\n", i + 1, *out, perplexity, 100 * *out / 8,
               (long long)totals[i], names[i]);
    }
}

/* One file against all, then the next: a column of the table is one call, the file's row repeated. */
static void print_divergences(const int64_t *counts, size_t files, double *out) {
    const nepit_array all = nepit_rows_i64(counts, files, SYMBOLS);

    for (int symmetric = 0; symmetric <= 1; symmetric++) {
        for (size_t j = 0; j < files; j++) {
            const nepit_array one = nepit_vector_i64(counts + j * SYMBOLS, SYMBOLS);
            check(symmetric ? nepit_jensen_shannon_divergence(all, one, 0.5, 2, NULL, out + j * files)
                            : nepit_kl_divergence(all, one, 2, NULL, out + j * files));
        }
        puts(symmetric ? "\nJensen-Shannon divergence, bits"
                       : "\nKullback-Leibler divergence of the line's file from the column's, bits");
        printf("%5s", "");
        for (size_t j = 0; j < files; j++) printf(" %10zu", j + 1);
        for (size_t i = 0; i < files; i++) {
            printf("\n%5zu", i + 1);
            for (size_t j = 0; j < files; j++) printf(" %10.6f", out[j * files + i]);
        }
        putchar('\n');
    }
}

int main(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        fputs("usage: file_entropy FILE...\n"
              "Entropy of the bytes of each FILE (- is standard input), and the divergences between files.\n",
              argc < 2 ? stderr : stdout);
        return argc < 2 ? USAGE : SUCCESS;
    }
    signal(SIGINT, interrupt);

    const size_t asked = (size_t)argc - 1;
    int64_t *counts = calloc(asked, SYMBOLS * sizeof *counts);
    int64_t *totals = calloc(asked, sizeof *totals);
    char **names = calloc(asked, sizeof *names);
    double *out = calloc(asked, asked * sizeof *out);
    int status = SUCCESS;

    if (!counts || !totals || !names || !out) {
        complain("memory", strerror(errno));
        return FILE_FAILED;
    }
    size_t files = 0;
    for (size_t i = 0; i < asked; i++) {
        names[files] = argv[i + 1];
        if (count(names[files], counts + files * SYMBOLS, &totals[files]) == 0) files++;
        else status = FILE_FAILED;
    }
    if (files > 0) print_entropies(names, counts, totals, files, out);
    if (files > 1) print_divergences(counts, files, out);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("standard output", strerror(errno));
        status = FILE_FAILED;
    }
    free(out);
    free(names);
    free(totals);
    free(counts);
    return status;
}
