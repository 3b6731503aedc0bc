/* Lecture: the numbers of an introduction to entropy, cross-entropy and divergence. */
#include <nepit.h>
#include <stdio.h>
#include <stdlib.h>

static double checked(nepit_status status, const double *value) {
    if (status == NEPIT_OK) return *value;
    fprintf(stderr, "lecture: %s\n", nepit_status_message(status));
    exit(1);
}

static double H(nepit_array p, double base) {
    double value;
    return checked(nepit_entropy(p, base, NULL, &value), &value);
}

static double cross(nepit_array p, nepit_array q, double base) {
    double value;
    return checked(nepit_cross_entropy(p, q, base, NULL, &value), &value);
}

static double KL(nepit_array p, nepit_array q, double base) {
    double value;
    return checked(nepit_kl_divergence(p, q, base, NULL, &value), &value);
}

#define DISTRIBUTION(...) \
    nepit_vector_f64((const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

int main(void) {
    const nepit_array fair = DISTRIBUTION(0.5, 0.5), biased = DISTRIBUTION(0.9, 0.1), sixty = DISTRIBUTION(0.6, 0.4);
    const nepit_array sure = DISTRIBUTION(1, 0), guess = DISTRIBUTION(0.8, 0.2), die = DISTRIBUTION(1, 1, 1, 1, 1, 1);

    printf("fair coin                        %.3f bits\n", H(fair, 2));
    printf("coin with p = 0.9                %.3f bits\n", H(biased, 2));
    printf("fair die, the maximum log 6      %.3f bits\n", H(die, 2));
    printf("certainty                        %.3f bits\n", H(sure, 2));
    printf("cross-entropy (1 0), (.9 .1)     %.3f nats\n", cross(sure, biased, NEPIT_E));
    printf("cross-entropy (.5 .5), (.9 .1)   %.3f nats\n", cross(fair, biased, NEPIT_E));
    printf("loss of (.8 .2) where (1 0)      %.3f nats\n", cross(sure, guess, NEPIT_E));
    printf("KL(Bern 0.5 || Bern 0.6)         %.3f bits\n", KL(fair, sixty, 2));
    printf("KL(.5 .5 || .9 .1), and back     %.3f, %.3f nats\n", KL(fair, biased, NEPIT_E), KL(biased, fair, NEPIT_E));
    return 0;
}
