/* Entropy: the smallest whole program.
 *
 *     cc entropy.c $(pkg-config --cflags --libs nepit) -o entropy
 */
#include <nepit.h>
#include <stdio.h>

int main(void) {
    const double die[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.5};
    const int64_t letters[] = {5, 2, 2, 1, 1}; /* a b r c d in abracadabra: counts serve as they are */
    double die_bits, letter_bits;

    nepit_status status = nepit_entropy(nepit_vector_f64(die, 6), 2, NULL, &die_bits);
    if (status == NEPIT_OK) status = nepit_entropy(nepit_vector_i64(letters, 5), 2, NULL, &letter_bits);
    if (status != NEPIT_OK) {
        fprintf(stderr, "entropy: %s\n", nepit_status_message(status));
        return 1;
    }
    printf("loaded die     %.6f bits a throw\n", die_bits);
    printf("abracadabra    %.6f bits a letter\n", letter_bits);
    return 0;
}
