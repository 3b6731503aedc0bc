/* Rows: a whole matrix in one call, by rows and by columns, on all cores, with progress and cancellation. */
#include <nepit.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t interrupted;
static void interrupt(int signal) { (void)signal, interrupted = 1; }

static int32_t watch(void *context, double progress) {
    fprintf((FILE *)context, "%3.0f %%\r", 100 * progress);
    return interrupted; /* anything but 0 stops the call */
}

int main(void) {
    enum { ROWS = 20000, COLS = 500 };
    float *matrix = malloc(sizeof(float) * ROWS * COLS);
    double *out = malloc(sizeof(double) * ROWS);
    if (!matrix || !out) return perror("rows"), 1;
    uint32_t random = 1;
    for (size_t i = 0; i < (size_t)ROWS * COLS; i++) {
        random = random * 1664525 + 1013904223;
        matrix[i] = (float)(random >> 8);
    }
    signal(SIGINT, interrupt);
    const nepit_execution how = {sizeof how, 0, watch, stderr}; /* 0: as many threads as there are processors */

    nepit_status status = nepit_entropy(nepit_rows_f32(matrix, ROWS, COLS), 2, &how, out);
    if (status == NEPIT_OK) printf("rows     %.6f %.6f ... bits\n", out[0], out[1]);

    /* The same memory seen the other way: column j is row j of this view, and nothing is copied. */
    if (status == NEPIT_OK) status = nepit_entropy(nepit_columns(matrix, ROWS, COLS, NEPIT_F32), 2, &how, out);
    if (status == NEPIT_OK) printf("columns  %.6f %.6f ... bits\n", out[0], out[1]);

    if (status != NEPIT_OK) fprintf(stderr, "rows: %s\n", nepit_status_message(status));
    free(matrix);
    free(out);
    return status == NEPIT_OK ? 0 : 1;
}
