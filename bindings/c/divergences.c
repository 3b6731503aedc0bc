/* Divergences: every way to compare two distributions. */
#include <nepit.h>
#include <stdio.h>
#include <stdlib.h>

static void show(const char *name, nepit_status status, const double *value) {
    if (status != NEPIT_OK) {
        fprintf(stderr, "%s: %s\n", name, nepit_status_message(status));
        exit(1);
    }
    printf("%-32s %.9f\n", name, *value);
}

int main(void) {
    const double weather_here[] = {0.5, 0.3, 0.2}, weather_there[] = {0.1, 0.3, 0.6};
    const nepit_array p = nepit_vector_f64(weather_here, 3), q = nepit_vector_f64(weather_there, 3);
    const double bits = 2, order = 0.5;
    double d, s;

    show("Kullback-Leibler, p from q", nepit_kl_divergence(p, q, bits, NULL, &d), &d);
    show("Kullback-Leibler, q from p", nepit_kl_divergence(q, p, bits, NULL, &d), &d);
    show("Jeffreys", nepit_jeffreys_divergence(p, q, bits, NULL, &d), &d);
    show("Jensen-Shannon", nepit_jensen_shannon_divergence(p, q, 0.5, bits, NULL, &d), &d);
    show("Jensen-Shannon distance", nepit_jensen_shannon_distance(p, q, 0.5, bits, NULL, &d), &d);
    show("Renyi, order 1/2", nepit_renyi_divergence(p, q, order, bits, NULL, &d), &d);
    show("Tsallis, order 1/2", nepit_tsallis_divergence(p, q, order, NULL, &d), &d);
    show("Amari, alpha 1/2", nepit_alpha_divergence(p, q, order, NULL, &d), &d);
    show("Hellinger distance", nepit_hellinger_distance(p, q, NULL, &d), &d);
    show("Hellinger distance, squared", nepit_squared_hellinger_distance(p, q, NULL, &d), &d);
    show("Bhattacharyya coefficient", nepit_bhattacharyya_coefficient(p, q, NULL, &d), &d);
    show("Bhattacharyya distance", nepit_bhattacharyya_distance(p, q, bits, NULL, &d), &d);
    show("Chernoff information", nepit_chernoff_information(p, q, bits, NULL, &d, &s), &d);
    show("Chernoff exponent", NEPIT_OK, &s);
    show("Total variation", nepit_total_variation(p, q, NULL, &d), &d);
    show("Pearson chi-squared", nepit_pearson_chi2(p, q, NULL, &d), &d);
    show("Neyman chi-squared", nepit_neyman_chi2(p, q, NULL, &d), &d);
    show("Population stability index", nepit_population_stability_index(p, q, 1e-4, NEPIT_E, NULL, &d), &d);
    return 0;
}
