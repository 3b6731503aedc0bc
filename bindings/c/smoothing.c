/* Smoothing: what to do about log(0). A model that has never seen an outcome is infinitely surprised by it. */
#include <nepit.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 4 };
static const int64_t seen[N] = {8, 4, 0, 0}, later[N] = {6, 3, 1, 0};

static void check(nepit_status status) {
    if (status == NEPIT_OK) return;
    fprintf(stderr, "smoothing: %s\n", nepit_status_message(status));
    exit(1);
}

static void show(const char *name, const double *model) {
    double bits;
    check(nepit_cross_entropy(nepit_vector_i64(later, N), nepit_vector_f64(model, N), 2, NULL, &bits));
    printf("%-22s", name);
    for (int j = 0; j < N; j++) printf(" %.6f", model[j]);
    printf("   %9.6f\n", bits);
}

int main(void) {
    const nepit_array counts = nepit_vector_i64(seen, N);
    const nepit_array uniform = nepit_vector_f64(NULL, 0); /* an absent background */
    double model[N];
    const nepit_mutable_array out = nepit_mutable_rows(model, 1, N, NEPIT_F64);

    printf("%-22s %-35s   cross-entropy of later\n", "", "model");
    check(nepit_smooth_additive(counts, 0, NULL, out)), show("none", model);
    check(nepit_smooth_additive(counts, 1, NULL, out)), show("Laplace, add 1", model);
    check(nepit_smooth_additive(counts, 0.5, NULL, out)), show("Jeffreys, add 1/2", model);
    check(nepit_smooth_mix(counts, 0.1, uniform, NULL, out)), show("a tenth of uniform", model);
    check(nepit_smooth_floor(counts, 1e-3, NULL, out)), show("a floor of 0.001", model);
    return 0;
}
