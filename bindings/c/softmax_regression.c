/* softmax_regression.c - learns handwritten digits: one matrix product, and one call for loss and gradient. */
#include <nepit.h>
#include <stdio.h>

#include "digits.h"

enum { ALL = sizeof digits / sizeof *digits, TRAIN = 1500, PIXELS = 64, CLASSES = 10, STEPS = 300 };
static float image[ALL][PIXELS], logits[ALL][CLASSES], weight[CLASSES][PIXELS], bias[CLASSES];
static int32_t label[ALL];

static void classify(void) {
    for (int i = 0; i < ALL; i++)
        for (int k = 0; k < CLASSES; k++) {
            logits[i][k] = bias[k];
            for (int x = 0; x < PIXELS; x++) logits[i][k] += image[i][x] * weight[k][x];
        }
}

int main(void) {
    for (int i = 0; i < ALL; i++) {
        for (int x = 0; x < PIXELS; x++) image[i][x] = (float)(digits[i][x] - 'A') / 16;
        label[i] = digits[i][PIXELS] - '0';
    }
    for (int step = 0; step <= STEPS; step++) {
        classify();
        double loss, unseen;
        int64_t seen[2]; /* how many were classified, and how many rightly */
        const nepit_array none = {NULL, 0, 0, 0, 0, NEPIT_F64}, known = nepit_rows(label, TRAIN, 1, NEPIT_I32),
                          asked = nepit_rows(label + TRAIN, ALL - TRAIN, 1, NEPIT_I32);
        nepit_status status =
            nepit_softmax_cross_entropy(nepit_rows_f32(logits[TRAIN], ALL - TRAIN, CLASSES), asked, none, none, NULL,
                                        NULL, &unseen, NULL, NULL, NULL, seen, nepit_no_array());
        if (status == NEPIT_OK) /* the gradient overwrites the logits */
            status = nepit_softmax_cross_entropy(nepit_rows_f32(logits[0], TRAIN, CLASSES), known, none, none, NULL,
                                                 NULL, &loss, NULL, NULL, NULL, NULL,
                                                 nepit_mutable_rows(logits, TRAIN, CLASSES, NEPIT_F32));
        if (status != NEPIT_OK) return fprintf(stderr, "%s\n", nepit_status_message(status)), 1;
        if (step % 50 == 0) printf("step %3d   loss %.4f   unseen %.4f, %d right\n", step, loss, unseen, (int)seen[1]);
        for (int i = 0; i < TRAIN; i++)
            for (int k = 0; k < CLASSES; k++) {
                bias[k] -= logits[i][k] / 2;
                for (int x = 0; x < PIXELS; x++) weight[k][x] -= logits[i][k] * image[i][x] / 2;
            }
    }
}
