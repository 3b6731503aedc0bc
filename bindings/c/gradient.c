/* Gradients: fit one distribution to another by going downhill. */
#include <nepit.h>
#include <stdio.h>

int main(void) {
    enum { N = 4 };
    const double target[N] = {0.4, 0.3, 0.2, 0.1};
    double weights[N] = {0.25, 0.25, 0.25, 0.25}, slope[N], nats;
    const nepit_array p = nepit_vector_f64(target, N), q = nepit_vector_f64(weights, N);
    const nepit_mutable_array dq = nepit_mutable_rows(slope, 1, N, NEPIT_F64);

    /* The divergence keeps all its digits as it vanishes, so it tells how near the fit is, to the end. */
    for (int step = 0; step <= 100; step++) {
        nepit_status status = nepit_kl_divergence_gradient(p, q, NEPIT_E, NULL, &nats, nepit_no_array(), dq);
        if (status != NEPIT_OK) {
            fprintf(stderr, "gradient: %s\n", nepit_status_message(status));
            return 1;
        }
        if (step % 25 == 0) printf("step %3d   D(p || q) = %.3e\n", step, nats);
        for (int j = 0; j < N; j++) weights[j] -= 0.05 * slope[j];
    }

    /* Weights need not sum to one: the library normalises them, and its gradient knows it. */
    const double total = weights[0] + weights[1] + weights[2] + weights[3];
    printf("fitted     ");
    for (int j = 0; j < N; j++) printf(" %.9f", weights[j] / total);
    printf("\n");
    return 0;
}
