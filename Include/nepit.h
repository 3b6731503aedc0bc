/*
 * nepit.h - information theory for programs that want exact answers.
 *
 * This header is the manual. What holds for every function stands here, once;
 * a function's comment adds only what is its own.
 *
 * Status      A function returns a nepit_status: NEPIT_OK, or a negative
 *             NEPIT_ERROR_... when the call was wrong, and then nothing was
 *             written. NaN and infinity are results and come with NEPIT_OK.
 *             After NEPIT_ERROR_CANCELLED the contents of the outputs are
 *             unspecified. nepit_status_message gives a sentence.
 *
 * Units       base is the base of the logarithm, finite and greater than 1:
 *             2 for bits, 10 for hartleys, NEPIT_E for nepits (nats).
 *
 * Arrays      A nepit_array is a borrowed, read-only matrix; its rows are
 *             independent problems and its columns the outcomes. Strides are
 *             in elements and may have either sign; row_stride 0 repeats one
 *             row; a column of a row-major matrix is a row with another
 *             stride, and none of them is copied as a whole. Bytes in gaps are
 *             neither read nor written. Elements are aligned to their own
 *             size. data may be NULL where rows or cols is 0. There may be
 *             zero rows; zero cols is NEPIT_ERROR_SHAPE, as is an array of
 *             2^60 elements or more.
 *             Two inputs have the same cols, and the same rows unless one of
 *             them has a single row, which then serves all the other's; there
 *             is a result for each. An output has exactly the
 *             documented extent. A nepit_mutable_array is the writable twin,
 *             of a floating-point dtype, in which no two elements share
 *             memory: a stride of 0 needs an extent of 1.
 *
 * Weights     Rows of weights are normalised: counts and probabilities serve
 *             alike, and p_j stands for w_j / sum_k w_k throughout.
 *             nepit_check_distribution tells which row is not a distribution.
 *
 * Values      A weight of 0 contributes 0 (0 log 0 = 0), as does an outcome
 *             with p = q = 0. A row with a negative, infinite or NaN weight,
 *             or one that sums to zero, gives NaN, and no other row does. -0
 *             is 0, and a zero result is +0. Sums that over- or underflow are
 *             scaled by a power of two; where a row's sum is below 2^-300 or
 *             above 2^300, a weight below 2^-1022 of it counts as 0. No divergence is ever negative, and
 *             each is exactly 0 for equal rows. float32 and half floats are
 *             read exactly; 64-bit integers are rounded to float64.
 *
 * Accuracy    A bound holds for float64 and integer input, relative to the
 *             exact value for the weights as given, while inputs, sums and
 *             results are in the normal range. For float32 and half floats it
 *             is 2^-21 unless a comment says otherwise. A divergence keeps its
 *             bound where p and q nearly agree, down to values of 1e-30, and
 *             2^-30 below. Where a component of a gradient adds terms of
 *             both signs, the bound is relative to the sum of their
 *             magnitudes. The bounds of measures with an order hold for orders
 *             up to 1000.
 *
 * Sameness    A result depends on the values in its own row and the element
 *             type alone: the same bits come from every instruction set,
 *             number of threads, alignment, stride and batch.
 *
 * Execution   Where work can be long, a nepit_execution says how many threads
 *             to use and who is told the progress. NULL: the calling thread
 *             alone, no monitor. Threads live no longer than the call.
 *
 * Memory      No function keeps or returns memory. One whose comment says
 *             "Allocates" returns NEPIT_ERROR_MEMORY when there is none; the
 *             others need none. (To read rows whose columns are far apart, a
 *             call may borrow up to 4 MiB a thread; without them the same
 *             result takes longer.)
 *
 * Objects     A type that is only declared is an object: its create or load
 *             function gives one, its destroy function takes it back. An
 *             object is used by one thread at a time, whatever it is used
 *             for; any number of objects may be in use at once. save writes
 *             what load takes, in a format that has a version and a checksum:
 *             the same on every machine, and of any other bytes load returns
 *             NEPIT_ERROR_FORMAT. A call that fails leaves its object as it was.
 *
 * Aliasing    Inputs may overlap one another. Outputs overlap nothing, but that
 *             an output whose comment says "in place of x" may be the very
 *             memory of x: the same data, strides and dtype.
 *
 * Threads     Any number of threads may call at once; there is no state. The
 *             caller's floating-point environment is neither used nor changed.
 */
#ifndef NEPIT_H
#define NEPIT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define NEPIT_API __attribute__((visibility("default")))
#else
#define NEPIT_API
#endif

/** The version of this header; nepit_version() is that of the library. */
#define NEPIT_VERSION_MAJOR 0
#define NEPIT_VERSION_MINOR 1
#define NEPIT_VERSION_PATCH 0

/** The base of the natural logarithm: results in nepits. */
#define NEPIT_E 2.71828182845904523536

/* ----------------------------------------------------------------- status */

/** NEPIT_OK, or what was wrong with the call. */
typedef int32_t nepit_status;

#define NEPIT_OK 0               /**< The call was right. */
#define NEPIT_ERROR_NULL (-1)    /**< A pointer that is needed is NULL. */
#define NEPIT_ERROR_SHAPE (-2)   /**< Extents disagree, are empty or too large, or elements overlap. */
#define NEPIT_ERROR_DTYPE (-3)   /**< No such element type, or one that does not serve here. */
#define NEPIT_ERROR_BASE (-4)    /**< The base is not finite and greater than 1. */
#define NEPIT_ERROR_PARAMETER (-5) /**< A number is outside the range its comment gives. */
#define NEPIT_ERROR_SIZE (-6)    /**< A record's size is not one this library knows. */
#define NEPIT_ERROR_MEMORY (-7)  /**< There is no memory. */
#define NEPIT_ERROR_CANCELLED (-8) /**< The monitor asked to stop. */
#define NEPIT_ERROR_LABEL (-9)   /**< A label is no column, and not the one that is ignored. */
#define NEPIT_ERROR_FORMAT (-10) /**< The bytes are not what a save function wrote. */

/* ------------------------------------------------------------------ arrays */

/** The type of an array's elements. */
typedef int32_t nepit_dtype;

#define NEPIT_F64 1   /**< double */
#define NEPIT_F32 2   /**< float */
#define NEPIT_F16 3   /**< IEEE binary16 */
#define NEPIT_BF16 4  /**< bfloat16 */
#define NEPIT_I8 5    /**< int8_t */
#define NEPIT_I16 6   /**< int16_t */
#define NEPIT_I32 7   /**< int32_t */
#define NEPIT_I64 8   /**< int64_t */
#define NEPIT_U8 9    /**< uint8_t */
#define NEPIT_U16 10  /**< uint16_t */
#define NEPIT_U32 11  /**< uint32_t */
#define NEPIT_U64 12  /**< uint64_t */

/** A borrowed, read-only matrix; passed by value. See Arrays. */
typedef struct nepit_array {
    const void *data;       /**< element [0, 0] */
    size_t rows;            /**< independent problems */
    size_t cols;            /**< outcomes: the axis a measure runs along */
    ptrdiff_t row_stride;   /**< in elements; 0 repeats one row */
    ptrdiff_t col_stride;   /**< in elements */
    nepit_dtype dtype;      /**< NEPIT_F64 ... NEPIT_U64 */
} nepit_array;

/** A borrowed matrix that is written; passed by value. See Arrays. */
typedef struct nepit_mutable_array {
    void *data;             /**< element [0, 0]; NULL where the array is optional and absent */
    size_t rows;            /**< independent problems */
    size_t cols;            /**< outcomes */
    ptrdiff_t row_stride;   /**< in elements */
    ptrdiff_t col_stride;   /**< in elements */
    nepit_dtype dtype;      /**< NEPIT_F64, NEPIT_F32, NEPIT_F16 or NEPIT_BF16 */
} nepit_mutable_array;

/** A view of rows x cols adjacent elements. */
static inline nepit_array nepit_rows(const void *data, size_t rows, size_t cols, nepit_dtype dtype) {
    nepit_array array;
    array.data = data;
    array.rows = rows;
    array.cols = cols;
    array.row_stride = (ptrdiff_t)cols;
    array.col_stride = 1;
    array.dtype = dtype;
    return array;
}

/** A writable view of rows x cols adjacent elements. */
static inline nepit_mutable_array nepit_mutable_rows(void *data, size_t rows, size_t cols, nepit_dtype dtype) {
    nepit_mutable_array array;
    array.data = data;
    array.rows = rows;
    array.cols = cols;
    array.row_stride = (ptrdiff_t)cols;
    array.col_stride = 1;
    array.dtype = dtype;
    return array;
}

/** The absent array, for an optional output. */
static inline nepit_mutable_array nepit_no_array(void) {
    return nepit_mutable_rows(NULL, 0, 0, NEPIT_F64);
}

/** One row of n adjacent doubles. */
static inline nepit_array nepit_vector_f64(const double *data, size_t n) {
    return nepit_rows(data, 1, n, NEPIT_F64);
}

/** One row of n adjacent floats. */
static inline nepit_array nepit_vector_f32(const float *data, size_t n) {
    return nepit_rows(data, 1, n, NEPIT_F32);
}

/** One row of n adjacent 64-bit counts. */
static inline nepit_array nepit_vector_i64(const int64_t *data, size_t n) {
    return nepit_rows(data, 1, n, NEPIT_I64);
}

/** rows x cols adjacent doubles. */
static inline nepit_array nepit_rows_f64(const double *data, size_t rows, size_t cols) {
    return nepit_rows(data, rows, cols, NEPIT_F64);
}

/** rows x cols adjacent floats. */
static inline nepit_array nepit_rows_f32(const float *data, size_t rows, size_t cols) {
    return nepit_rows(data, rows, cols, NEPIT_F32);
}

/** rows x cols adjacent 64-bit counts. */
static inline nepit_array nepit_rows_i64(const int64_t *data, size_t rows, size_t cols) {
    return nepit_rows(data, rows, cols, NEPIT_I64);
}

/** The columns of a row-major matrix of rows x cols, as rows of a view. */
static inline nepit_array nepit_columns(const void *data, size_t rows, size_t cols, nepit_dtype dtype) {
    nepit_array array;
    array.data = data;
    array.rows = cols;
    array.cols = rows;
    array.row_stride = 1;
    array.col_stride = (ptrdiff_t)cols;
    array.dtype = dtype;
    return array;
}

/* --------------------------------------------------------------- execution */

/** Is told, on the calling thread, how much of the work is done.
 *
 *  A child process that is forked in it may return from it only if the call
 *  has one thread: it has none of the others.
 *
 *  @param context  What the nepit_execution carries.
 *  @param progress In [0, 1]; never falls.
 *  @return 0 to go on, anything else to stop the call with NEPIT_ERROR_CANCELLED.
 */
typedef int32_t (*nepit_monitor)(void *context, double progress);

/** How to run a call whose work can be long; NULL means this thread, no monitor. */
typedef struct nepit_execution {
    size_t size;            /**< sizeof(nepit_execution) of the caller */
    int32_t threads;        /**< 1 or more; 0: as many as this thread may use processors */
    nepit_monitor monitor;  /**< called now and then; may be NULL */
    void *context;          /**< handed to monitor */
} nepit_execution;

/* ----------------------------------------------------------------- library */

/** The version of the library, "major.minor.patch".
 *
 *  @return A constant string.
 *  Since:  0.1
 */
NEPIT_API const char *nepit_version(void);

/** The instruction set that the kernels use: "x86-64", "x86-64-v3" or "x86-64-v4".
 *
 *  The environment variable NEPIT_ISA, read once, lowers the choice.
 *
 *  @return A constant string.
 *  Since:  0.1
 */
NEPIT_API const char *nepit_isa(void);

/** A sentence that says what a status means.
 *
 *  @param status Any number.
 *  @return A constant string.
 *  Since:  0.1
 */
NEPIT_API const char *nepit_status_message(nepit_status status);

/* ============================================================== discrete ===
 * Measures of one distribution and divergences between two, given as weights.
 */

/* ---------------------------------------------------------- one distribution */

/** Shannon entropy of each row.
 *
 *      H = -sum_j p_j log p_j
 *
 *  @param[in]  weights [rows, cols] Counts or probabilities, at least 0.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] From 0 to log(cols).
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  2^-50, also where one outcome dominates.
 *  Reference: Cover and Thomas (2006), equation 2.1.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_entropy(nepit_array weights, double base, const nepit_execution *execution, double *out);

/** Shannon entropy of each row, and its gradient.
 *
 *      dH/dw_j = -(log p_j + H) / W,    W = sum_k w_k
 *
 *  @param[in]  weights [rows, cols] Counts or probabilities, at least 0.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] Entropies; optional.
 *  @param[out] gradient [rows, cols] With respect to the weights as given; optional.
 *  @return As nepit_entropy.
 *
 *  Values:    +infinity at a weight of 0; NaN throughout a row whose entropy is NaN.
 *  Accuracy:  entropies as nepit_entropy; gradient 2^-46.
 *  Reference: differentiates Cover and Thomas (2006), equation 2.1.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_entropy_gradient(nepit_array weights, double base, const nepit_execution *execution,
                                              double *out, nepit_mutable_array gradient);

/** Renyi entropy of each row.
 *
 *      H_a = log(sum_j p_j^a) / (1 - a)
 *
 *  with its limits: a = 0 the Hartley entropy (log of the number of outcomes
 *  with weight), 1 Shannon's, 2 the collision entropy, infinity the
 *  min-entropy -log(max p).
 *
 *  @param[in]  weights [rows, cols] Counts or probabilities, at least 0.
 *  @param      order   In [0, inf]. The order a.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] From 0 to log(cols).
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  2^-44, also for an order near 1.
 *  Reference: Renyi (1961), On measures of entropy and information, equation 1.21.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_renyi_entropy(nepit_array weights, double order, double base,
                                           const nepit_execution *execution, double *out);

/** Renyi entropy of each row, and its gradient.
 *
 *      dH_a/dw_j = a / (1 - a) (p_j^(a-1) / sum_k p_k^a - 1) / W,    W = sum_k w_k
 *
 *  @param[in]  weights [rows, cols] Counts or probabilities, at least 0.
 *  @param      order   In [0, inf]. The order a; at infinity the greatest weight counts, at ties their mean.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] Entropies; optional.
 *  @param[out] gradient [rows, cols] With respect to the weights as given; optional.
 *  @return As nepit_renyi_entropy.
 *
 *  Values:    at a weight of 0 the one-sided limit: +infinity for orders in (0, 1], a / ((a - 1) W) above, +infinity at 0;
 *             NaN throughout a row whose entropy is NaN.
 *  Accuracy:  entropies as nepit_renyi_entropy; gradient 2^-42.
 *  Reference: differentiates Renyi (1961), equation 1.21.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_renyi_entropy_gradient(nepit_array weights, double order, double base,
                                                    const nepit_execution *execution, double *out,
                                                    nepit_mutable_array gradient);

/** Tsallis entropy of each row.
 *
 *      S_a = (1 - sum_j p_j^a) / (a - 1),    S_1 = H in nepits
 *
 *  @param[in]  weights [rows, cols] Counts or probabilities, at least 0.
 *  @param      order   In [0, inf]. The order a.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0; it has no unit.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  2^-44, also for an order near 1.
 *  Reference: Tsallis (1988), Possible generalization of Boltzmann-Gibbs statistics, equation 1.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_tsallis_entropy(nepit_array weights, double order, const nepit_execution *execution,
                                             double *out);

/** Hill number of each row: the effective number of outcomes.
 *
 *      N_a = (sum_j p_j^a)^(1 / (1 - a)) = exp(H_a),    N_1 the perplexity exp(H)
 *
 *  @param[in]  weights [rows, cols] Counts or probabilities, at least 0.
 *  @param      order   In [0, inf]. The order a; 1 gives the perplexity.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] From 1 to cols.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  2^-44.
 *  Reference: Hill (1973), Diversity and evenness, equation 3.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_hill_number(nepit_array weights, double order, const nepit_execution *execution,
                                         double *out);

/** Perplexity of each row: the exponential of its entropy.
 *
 *      N_1 = exp(H)
 *
 *  @param[in]  weights [rows, cols] Counts or probabilities, at least 0.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] From 1 to cols.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  2^-44.
 *  Reference: Hill (1973), equation 3, at order 1.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_perplexity(nepit_array weights, const nepit_execution *execution, double *out);

/** Binary entropy function of each element.
 *
 *      h(p) = -p log p - (1 - p) log(1 - p)
 *
 *  @param[in]  probabilities [rows, cols] From 0 to 1.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows, cols] From 0 to log(2).
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    NaN for an element that is not in [0, 1]; no other element is concerned.
 *  Accuracy:  2^-50; float32 input is computed in float64.
 *  Reference: Cover and Thomas (2006), equation 2.5.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_binary_entropy(nepit_array probabilities, double base, const nepit_execution *execution,
                                            nepit_mutable_array out);

/** Binary entropy function of each element, and its derivative.
 *
 *      dh/dp = log((1 - p) / p)
 *
 *  @param[in]  probabilities [rows, cols] From 0 to 1.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows, cols] Entropies; optional.
 *  @param[out] gradient [rows, cols] Derivatives, +infinity at 0 and -infinity at 1; optional.
 *  @return As nepit_binary_entropy.
 *
 *  Values:    NaN for an element that is not in [0, 1].
 *  Accuracy:  2^-50, the derivative too, also near 1/2.
 *  Reference: differentiates Cover and Thomas (2006), equation 2.5.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_binary_entropy_gradient(nepit_array probabilities, double base,
                                                     const nepit_execution *execution, nepit_mutable_array out,
                                                     nepit_mutable_array gradient);

/* --------------------------------------------------------- two distributions */

/** Cross-entropy of each row of p relative to q.
 *
 *      H(p, q) = -sum_j p_j log q_j
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least H(p).
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    +infinity where p has mass and q has none.
 *  Accuracy:  2^-50.
 *  Reference: Murphy (2022), Probabilistic Machine Learning, equation 6.7.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_cross_entropy(nepit_array p, nepit_array q, double base, const nepit_execution *execution,
                                           double *out);

/** Cross-entropy of each row of p relative to q, and its gradients.
 *
 *      dH/dp_j = -(log q_j + H(p, q)) / P,    dH/dq_j = (1 - p_j / q_j) / Q
 *
 *  with respect to the weights as given, P and Q their sums, p_j and q_j on
 *  the right normalised.
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] Cross-entropies; optional.
 *  @param[out] p_gradient [rows, cols] Of each result; optional.
 *  @param[out] q_gradient [rows, cols] Of each result; optional.
 *  @return As nepit_cross_entropy.
 *
 *  Values:    where q_j = 0: dp +infinity, dq -infinity if p_j > 0, else 1/Q. Where the value is +infinity, dp is NaN
 *             and dq as by its formula. NaN throughout where the value is NaN.
 *  Accuracy:  values as nepit_cross_entropy; gradients 2^-46.
 *  Reference: differentiates Murphy (2022), equation 6.7.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_cross_entropy_gradient(nepit_array p, nepit_array q, double base,
                                                    const nepit_execution *execution, double *out,
                                                    nepit_mutable_array p_gradient, nepit_mutable_array q_gradient);

/** Kullback-Leibler divergence of each row of p from q.
 *
 *      D(p || q) = sum_j p_j log(p_j / q_j)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights of the reference, at least 0.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    +infinity where p has mass and q has none.
 *  Accuracy:  2^-48; of float32 and half floats 2^-20.
 *  Reference: Cover and Thomas (2006), equation 2.26.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_kl_divergence(nepit_array p, nepit_array q, double base, const nepit_execution *execution,
                                           double *out);

/** Kullback-Leibler divergence of each row of p from q, and its gradients.
 *
 *      dD/dp_j = (log(p_j / q_j) - D) / P,    dD/dq_j = (1 - p_j / q_j) / Q
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights of the reference, at least 0.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] Divergences; optional.
 *  @param[out] p_gradient [rows, cols] Of each result; optional.
 *  @param[out] q_gradient [rows, cols] Of each result; optional.
 *  @return As nepit_kl_divergence.
 *
 *  Values:    where p_j = 0: dp -infinity, or 0 if q_j = 0 too; dq 1/Q. Where p_j > 0 and q_j = 0: dq -infinity. Where
 *             the value is +infinity, dp is NaN and dq as by its formula. NaN throughout where the value is NaN.
 *  Accuracy:  values as nepit_kl_divergence; gradients 2^-46.
 *  Reference: differentiates Cover and Thomas (2006), equation 2.26.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_kl_divergence_gradient(nepit_array p, nepit_array q, double base,
                                                    const nepit_execution *execution, double *out,
                                                    nepit_mutable_array p_gradient, nepit_mutable_array q_gradient);

/** Jeffreys divergence of each pair of rows: the sum of both Kullback-Leibler divergences.
 *
 *      J(p, q) = D(p || q) + D(q || p) = sum_j (p_j - q_j) log(p_j / q_j)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    +infinity where one has mass and the other has none.
 *  Accuracy:  2^-48.
 *  Reference: Jeffreys (1946), An invariant form for the prior probability, equation 1.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_jeffreys_divergence(nepit_array p, nepit_array q, double base,
                                                 const nepit_execution *execution, double *out);

/** Jeffreys divergence of each pair of rows, and its gradients.
 *
 *      dJ/dp_j = (log(p_j / q_j) - D(p || q) + 1 - q_j / p_j) / P,    dJ/dq_j likewise
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] Divergences; optional.
 *  @param[out] p_gradient [rows, cols] Of each result; optional.
 *  @param[out] q_gradient [rows, cols] Of each result; optional.
 *  @return As nepit_jeffreys_divergence.
 *
 *  Values:    where both are 0: (1 - D(p || q)) / P. Where one is 0 the value is +infinity, and both gradients are NaN
 *             throughout the row.
 *  Accuracy:  values as nepit_jeffreys_divergence; gradients 2^-46.
 *  Reference: differentiates Jeffreys (1946), equation 1.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_jeffreys_divergence_gradient(nepit_array p, nepit_array q, double base,
                                                          const nepit_execution *execution, double *out,
                                                          nepit_mutable_array p_gradient,
                                                          nepit_mutable_array q_gradient);

/** Jensen-Shannon divergence of each pair of rows.
 *
 *      JS = w D(p || m) + (1 - w) D(q || m),    m = w p + (1 - w) q
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      weight  In [0, 1]. The weight w of p.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] From 0 to h(w), the binary entropy of w.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  2^-48; of float32 and half floats 2^-20.
 *  Reference: Lin (1991), Divergence measures based on the Shannon entropy, equation 4.1.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_jensen_shannon_divergence(nepit_array p, nepit_array q, double weight, double base,
                                                       const nepit_execution *execution, double *out);

/** Jensen-Shannon divergence of each pair of rows, and its gradients.
 *
 *      dJS/dp_j = w (log(p_j / m_j) - D(p || m)) / P,    dJS/dq_j = (1 - w) (log(q_j / m_j) - D(q || m)) / Q
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      weight  In [0, 1]. The weight w of p.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] Divergences; optional.
 *  @param[out] p_gradient [rows, cols] Of each result; optional.
 *  @param[out] q_gradient [rows, cols] Of each result; optional.
 *  @return As nepit_jensen_shannon_divergence.
 *
 *  Values:    dp at p_j = 0: -infinity where q_j > 0; where both are 0 the outcome counts as unmixed, -w D(p || m) / P;
 *             likewise dq. All 0 for a weight of 0 or 1.
 *             NaN throughout where the value is NaN.
 *  Accuracy:  values as nepit_jensen_shannon_divergence; gradients 2^-46.
 *  Reference: differentiates Lin (1991), equation 4.1.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_jensen_shannon_divergence_gradient(nepit_array p, nepit_array q, double weight,
                                                                double base, const nepit_execution *execution,
                                                                double *out, nepit_mutable_array p_gradient,
                                                                nepit_mutable_array q_gradient);

/** Jensen-Shannon distance of each pair of rows: the square root of the divergence.
 *
 *      d(p, q) = sqrt(JS)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      weight  In [0, 1]. The weight of p; a metric at 1/2.
 *  @param      base    See Units; that of the divergence.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0.
 *  @return As nepit_jensen_shannon_divergence.
 *
 *  Accuracy:  2^-48.
 *  Reference: Endres and Schindelin (2003), A new metric for probability distributions.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_jensen_shannon_distance(nepit_array p, nepit_array q, double weight, double base,
                                                     const nepit_execution *execution, double *out);

/** Jensen-Shannon distance of each pair of rows, and its gradients.
 *
 *      dd/dp_j = (dJS/dp_j) / (2 d)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      weight  In [0, 1]. The weight of p.
 *  @param      base    See Units; that of the divergence.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] Distances; optional.
 *  @param[out] p_gradient [rows, cols] Of each result; optional.
 *  @param[out] q_gradient [rows, cols] Of each result; optional.
 *  @return As nepit_jensen_shannon_divergence.
 *
 *  Values:    0 throughout where the distance is 0; else as nepit_jensen_shannon_divergence_gradient.
 *  Accuracy:  values as nepit_jensen_shannon_distance; gradients 2^-46.
 *  Reference: differentiates Endres and Schindelin (2003).
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_jensen_shannon_distance_gradient(nepit_array p, nepit_array q, double weight, double base,
                                                              const nepit_execution *execution, double *out,
                                                              nepit_mutable_array p_gradient,
                                                              nepit_mutable_array q_gradient);

/** Generalised Jensen-Shannon divergence of each group of rows.
 *
 *      JS = sum_i v_i D(p_i || m),    m = sum_i v_i p_i
 *
 *  Each run of members rows is a group and gives one value.
 *
 *  @param[in]  weights [rows, cols] Weights, at least 0; rows is a multiple of members.
 *  @param      members In [1, inf]. Rows in a group.
 *  @param[in]  mixing  [members] The v_i, at least 0, normalised; optional: all equal.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows / members] From 0 to the entropy of v.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER (a mixing that is no distribution), _SIZE,
 *          _MEMORY or _CANCELLED.
 *
 *  Values:    NaN where a row with v_i > 0 is NaN; rows with v_i = 0 do not count.
 *  Accuracy:  2^-46.
 *  Memory:    Allocates 600 bytes a member and thread.
 *  Reference: Lin (1991), equation 5.1.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_generalized_jensen_shannon(nepit_array weights, size_t members, const double *mixing,
                                                        double base, const nepit_execution *execution, double *out);

/** Renyi divergence of each row of p from q.
 *
 *      D_a(p || q) = log(sum_j p_j^a q_j^(1-a)) / (a - 1)
 *
 *  with its limits: a = 0 is -log q(p > 0), 1 is Kullback-Leibler, infinity log max(p / q).
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights of the reference, at least 0.
 *  @param      order   In [0, inf]. The order a.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    +infinity for an order of at least 1 where p has mass and q has none, for any order where p and q share no
 *             outcome.
 *  Accuracy:  2^-44, also for an order near 1.
 *  Reference: van Erven and Harremoes (2014), Renyi divergence and Kullback-Leibler divergence, definition 2.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_renyi_divergence(nepit_array p, nepit_array q, double order, double base,
                                              const nepit_execution *execution, double *out);

/** Renyi divergence of each row of p from q, and its gradients.
 *
 *      dD/dp_j = a / (a - 1) (p_j^(a-1) q_j^(1-a) / C - 1) / P,    dD/dq_j = (1 - p_j^a q_j^(-a) / C) / Q,
 *      C = sum_k p_k^a q_k^(1-a)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights of the reference, at least 0.
 *  @param      order   In (0, inf). The order a, finite and greater than 0.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] Divergences; optional.
 *  @param[out] p_gradient [rows, cols] Of each result; optional.
 *  @param[out] q_gradient [rows, cols] Of each result; optional.
 *  @return As nepit_renyi_divergence.
 *
 *  Values:    at zeros the one-sided limits; where both are 0, as where p_j = 0 and at order 1 as
 *             nepit_kl_divergence_gradient. Where the value is +infinity or NaN, both gradients are NaN.
 *  Accuracy:  values as nepit_renyi_divergence; gradients 2^-42.
 *  Reference: differentiates van Erven and Harremoes (2014), definition 2.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_renyi_divergence_gradient(nepit_array p, nepit_array q, double order, double base,
                                                       const nepit_execution *execution, double *out,
                                                       nepit_mutable_array p_gradient, nepit_mutable_array q_gradient);

/** Tsallis divergence of each row of p from q.
 *
 *      T_a(p || q) = (sum_j p_j^a q_j^(1-a) - 1) / (a - 1),    T_1 = D(p || q) in nepits
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights of the reference, at least 0.
 *  @param      order   In [0, inf). The order a.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0; it has no unit.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    +infinity for an order of at least 1 where p has mass and q has none.
 *  Accuracy:  2^-43, also for an order near 1.
 *  Reference: Tsallis (1998), Generalized entropy-based criterion for consistent testing, equation 5.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_tsallis_divergence(nepit_array p, nepit_array q, double order,
                                                const nepit_execution *execution, double *out);

/** Amari's alpha divergence of each pair of rows.
 *
 *      D_a(p, q) = 4 / (1 - a^2) (1 - sum_j p_j^((1-a)/2) q_j^((1+a)/2))
 *
 *  with its limits: a = -1 is D(p || q), 1 is D(q || p); 0 is four times the squared Hellinger distance.
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      alpha   In (-inf, inf). The parameter a.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0; it has no unit.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    +infinity for a <= -1 where p has mass and q has none, for a >= 1 where q has mass and p has none.
 *  Accuracy:  2^-44, also near -1 and 1.
 *  Reference: Amari (2016), Information Geometry and Its Applications, equation 3.39.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_alpha_divergence(nepit_array p, nepit_array q, double alpha,
                                              const nepit_execution *execution, double *out);

/** Hellinger distance of each pair of rows.
 *
 *      H(p, q) = sqrt(sum_j (sqrt(p_j) - sqrt(q_j))^2 / 2)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] From 0 to 1.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  2^-48.
 *  Reference: Tsybakov (2009), Introduction to Nonparametric Estimation, section 2.4, over sqrt(2).
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_hellinger_distance(nepit_array p, nepit_array q, const nepit_execution *execution,
                                                double *out);

/** Hellinger distance of each pair of rows, and its gradients.
 *
 *      dH/dp_j = (B - sqrt(q_j / p_j)) / (4 H P),    B = sum_k sqrt(p_k q_k)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] Distances; optional.
 *  @param[out] p_gradient [rows, cols] Of each result; optional.
 *  @param[out] q_gradient [rows, cols] Of each result; optional.
 *  @return As nepit_hellinger_distance.
 *
 *  Values:    0 throughout where the distance is 0. dp at p_j = 0: -infinity where q_j > 0, else B / (4 H P).
 *             NaN throughout where the value is NaN.
 *  Accuracy:  values as nepit_hellinger_distance; gradients 2^-46.
 *  Reference: differentiates Tsybakov (2009), section 2.4.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_hellinger_distance_gradient(nepit_array p, nepit_array q, const nepit_execution *execution,
                                                         double *out, nepit_mutable_array p_gradient,
                                                         nepit_mutable_array q_gradient);

/** Squared Hellinger distance of each pair of rows.
 *
 *      H^2(p, q) = sum_j (sqrt(p_j) - sqrt(q_j))^2 / 2 = 1 - sum_j sqrt(p_j q_j)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] From 0 to 1.
 *  @return As nepit_hellinger_distance.
 *
 *  Accuracy:  2^-48.
 *  Reference: Tsybakov (2009), section 2.4, over 2.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_squared_hellinger_distance(nepit_array p, nepit_array q, const nepit_execution *execution,
                                                        double *out);

/** Squared Hellinger distance of each pair of rows, and its gradients.
 *
 *      dH^2/dp_j = (B - sqrt(q_j / p_j)) / (2 P),    B = sum_k sqrt(p_k q_k)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] Squared distances; optional.
 *  @param[out] p_gradient [rows, cols] Of each result; optional.
 *  @param[out] q_gradient [rows, cols] Of each result; optional.
 *  @return As nepit_hellinger_distance.
 *
 *  Values:    dp at p_j = 0: -infinity where q_j > 0, else B / (2 P). NaN throughout where the value is NaN.
 *  Accuracy:  values as nepit_squared_hellinger_distance; gradients 2^-46.
 *  Reference: differentiates Tsybakov (2009), section 2.4.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_squared_hellinger_distance_gradient(nepit_array p, nepit_array q,
                                                                 const nepit_execution *execution, double *out,
                                                                 nepit_mutable_array p_gradient,
                                                                 nepit_mutable_array q_gradient);

/** Bhattacharyya coefficient of each pair of rows.
 *
 *      B(p, q) = sum_j sqrt(p_j q_j)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] From 0 to 1; 1 for equal rows.
 *  @return As nepit_hellinger_distance.
 *
 *  Accuracy:  2^-48.
 *  Reference: Kailath (1967), The divergence and Bhattacharyya distance measures, equation 3.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_bhattacharyya_coefficient(nepit_array p, nepit_array q, const nepit_execution *execution,
                                                       double *out);

/** Bhattacharyya distance of each pair of rows.
 *
 *      -log B(p, q)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    +infinity where p and q share no outcome.
 *  Accuracy:  2^-47.
 *  Reference: Kailath (1967), equation 4.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_bhattacharyya_distance(nepit_array p, nepit_array q, double base,
                                                    const nepit_execution *execution, double *out);

/** Chernoff information of each pair of rows.
 *
 *      C(p, q) = max over s in [0, 1] of -log sum_j p_j^s q_j^(1-s)
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      base    See Units.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0.
 *  @param[out] exponent [rows] The maximising s: 1/2 for equal rows and where all s serve alike, 0 or 1 where the
 *                      maximum is at the edge (p and q have different outcomes), as a limit; optional.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    +infinity, with exponent 1/2, where p and q share no outcome.
 *  Accuracy:  2^-44; the exponent to 1e-6.
 *  Reference: Cover and Thomas (2006), equation 11.239.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_chernoff_information(nepit_array p, nepit_array q, double base,
                                                  const nepit_execution *execution, double *out, double *exponent);

/** Total variation of each pair of rows.
 *
 *      TV(p, q) = sum_j |p_j - q_j| / 2
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] From 0 to 1.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  2^-48.
 *  Reference: Tsybakov (2009), definition 2.4.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_total_variation(nepit_array p, nepit_array q, const nepit_execution *execution,
                                             double *out);

/** Pearson's chi-squared divergence of each row of p from q.
 *
 *      sum_j (p_j - q_j)^2 / q_j
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights of the reference, at least 0.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    +infinity where p has mass and q has none.
 *  Accuracy:  2^-48.
 *  Reference: Tsybakov (2009), section 2.4; Pearson (1900).
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_pearson_chi2(nepit_array p, nepit_array q, const nepit_execution *execution, double *out);

/** Neyman's chi-squared divergence of each row of p from q.
 *
 *      sum_j (p_j - q_j)^2 / p_j
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    +infinity where q has mass and p has none.
 *  Accuracy:  2^-48.
 *  Reference: Neyman (1949), Contribution to the theory of the chi-squared test.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_neyman_chi2(nepit_array p, nepit_array q, const nepit_execution *execution, double *out);

/** Population stability index of each pair of rows: Jeffreys divergence with a floor for empty cells.
 *
 *      PSI = sum_j (p'_j - q'_j) log(p'_j / q'_j),    p'_j = max(p_j, floor), q'_j = max(q_j, floor)
 *
 *  The raised probabilities are not normalised again, as is the custom.
 *
 *  @param[in]  p       [rows, cols] Weights, at least 0.
 *  @param[in]  q       [rows, cols] Weights, at least 0.
 *  @param      floor   In [0, 1). The least probability of a cell; 1e-4 is the custom. Above 0 it is at least
 *                      2^-900.
 *  @param      base    See Units; NEPIT_E is the custom.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] At least 0.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    with a floor of 0, +infinity where one has mass and the other has none.
 *  Accuracy:  2^-46.
 *  Reference: Siddiqi (2006), Credit Risk Scorecards, chapter 10.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_population_stability_index(nepit_array p, nepit_array q, double floor, double base,
                                                        const nepit_execution *execution, double *out);

/* --------------------------------------------------------------- elementwise */

/** Entropy term of each element, without normalisation.
 *
 *      entr(x) = -x log x
 *
 *  @param[in]  x       [rows, cols] Any numbers.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows, cols] In nepits.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    0 at 0, -infinity below, NaN at NaN.
 *  Accuracy:  2^-50.
 *  Reference: Boyd and Vandenberghe (2004), Convex Optimization, section 3.1.5.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_entr(nepit_array x, const nepit_execution *execution, nepit_mutable_array out);

/** Relative entropy term of each pair of elements, without normalisation.
 *
 *      rel_entr(x, y) = x log(x / y)
 *
 *  @param[in]  x       [rows, cols] Any numbers.
 *  @param[in]  y       [rows, cols] Any numbers.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows, cols] In nepits.
 *  @return As nepit_entr.
 *
 *  Values:    0 where x = 0 and y >= 0; +infinity where x > 0 = y or one is negative; NaN where one is NaN.
 *  Accuracy:  2^-49, also where x / y overflows.
 *  Reference: Boyd and Vandenberghe (2004), section 3.2.6.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_rel_entr(nepit_array x, nepit_array y, const nepit_execution *execution,
                                      nepit_mutable_array out);

/** Kullback-Leibler term of each pair of elements, without normalisation.
 *
 *      kl_div(x, y) = x log(x / y) - x + y
 *
 *  @param[in]  x       [rows, cols] Any numbers.
 *  @param[in]  y       [rows, cols] Any numbers.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows, cols] In nepits; at least 0.
 *  @return As nepit_entr.
 *
 *  Values:    y where x = 0 and y >= 0; +infinity where x > 0 = y or one is negative; NaN where one is NaN.
 *  Accuracy:  2^-48, also where x and y nearly agree.
 *  Reference: Boyd and Vandenberghe (2004), section 3.2.6.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_kl_div(nepit_array x, nepit_array y, const nepit_execution *execution,
                                    nepit_mutable_array out);

/* -------------------------------------------------------- zero probabilities */

/** Additive smoothing: each row normalised after a pseudo-count is added to each outcome.
 *
 *      out_j = (w_j + alpha) / (W + cols alpha)
 *
 *  @param[in]  weights [rows, cols] Counts or weights, at least 0.
 *  @param      alpha   In [0, inf). The pseudo-count: 1 is Laplace's rule, 1/2 Jeffreys's.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows, cols] Probabilities.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    a row that sums to zero becomes uniform where alpha > 0.
 *  Accuracy:  2^-51.
 *  Reference: Murphy (2022), section 4.6.2.4.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_smooth_additive(nepit_array weights, double alpha, const nepit_execution *execution,
                                             nepit_mutable_array out);

/** Each row normalised and mixed with a background distribution.
 *
 *      out_j = (1 - weight) p_j + weight b_j
 *
 *  @param[in]  weights [rows, cols] Counts or weights, at least 0.
 *  @param      weight  In [0, 1]. The share of the background.
 *  @param[in]  background [rows, cols] Weights of b; optional (data NULL): uniform.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows, cols] Probabilities.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  2^-50.
 *  Reference: Jelinek and Mercer (1980), Interpolated estimation of Markov source parameters.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_smooth_mix(nepit_array weights, double weight, nepit_array background,
                                        const nepit_execution *execution, nepit_mutable_array out);

/** Each row normalised, raised to a floor and normalised again.
 *
 *      out_j = max(p_j, epsilon) / sum_k max(p_k, epsilon)
 *
 *  @param[in]  weights [rows, cols] Counts or weights, at least 0.
 *  @param      epsilon In [0, 1]. The floor.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows, cols] Probabilities.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  2^-50.
 *  Reference: Murphy (2022), section 4.6.2.4, for the need of it.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_smooth_floor(nepit_array weights, double epsilon, const nepit_execution *execution,
                                          nepit_mutable_array out);

/* --------------------------------------------------------------------- check */

#define NEPIT_FINDING_NEGATIVE 1       /**< A weight is less than 0. */
#define NEPIT_FINDING_NAN 2            /**< A weight is NaN. */
#define NEPIT_FINDING_INFINITE 4       /**< A weight is infinite. */
#define NEPIT_FINDING_ZERO_SUM 8       /**< All weights are 0. */
#define NEPIT_FINDING_NOT_NORMALIZED 16 /**< The sum is farther from 1 than the tolerance. */

/** Tells of each row whether it is a distribution and, if not, what is wrong.
 *
 *  @param[in]  weights [rows, cols] Any numbers.
 *  @param      tolerance In [0, inf]. How far the sum may be from 1; infinity accepts counts.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] finding [rows] 0, or the sum of the NEPIT_FINDING_... that apply.
 *  @param[out] excess  [rows] The sum of the weights less 1; optional.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  the excess to 2^-50 times the sum of the magnitudes of the weights.
 *  Reference: Kolmogorov (1933), Grundbegriffe, axioms IV and V.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_check_distribution(nepit_array weights, double tolerance,
                                                const nepit_execution *execution, int32_t *finding, double *excess);

/* ================================================================ losses ===
 * Training losses with their gradients, from logits.
 *
 * Logits are any numbers; z stands for softcap tanh(x / softcap) / temperature
 * where a function has these, else for x. p = softmax(z). Rows of all inputs
 * agree in number: none is repeated. Everything is in nepits.
 *
 * A logit of -infinity has probability 0 and gradient 0. A row with NaN or
 * +infinity, or with nothing but -infinity, gives NaN, loss and gradient. For
 * float32 and half floats the bounds are 2^-19. Gradients are of the reduced
 * loss; their bound is relative to the sum of the magnitudes of the terms that
 * a component adds, and the label's component is the sum of the other
 * probabilities, exact where the prediction is confident.
 *
 * Options are a record with its size; NULL means the defaults.
 */

/** How the rows' losses become one number. */
typedef int32_t nepit_reduction;

#define NEPIT_REDUCTION_SUM 0   /**< Their sum; the gradient is each row's own. */
#define NEPIT_REDUCTION_MEAN 1  /**< Their sum over the sum of their weights; 0 where nothing counts. */

/** Options of a softmax cross-entropy; nepit_softmax_defaults gives the defaults. */
typedef struct nepit_softmax_options {
    size_t size;            /**< sizeof(nepit_softmax_options) of the caller */
    double label_smoothing; /**< In [0, 1]. The share of the uniform distribution in the target; 0 */
    int64_t ignore_index;   /**< a label whose row counts for nothing; -100 */
    double z_loss;          /**< In [0, inf). Coefficient of log^2 of the sum of exponentials; 0 */
    double softcap;         /**< In [0, inf). Bounds the logits by tanh; 0: none */
    double temperature;     /**< In (0, inf). Divides the logits; 1 */
    nepit_reduction reduction; /**< In [0, 1]. NEPIT_REDUCTION_SUM or _MEAN; _MEAN */
} nepit_softmax_options;

/** The defaults, to be changed. */
static inline nepit_softmax_options nepit_softmax_defaults(void) {
    nepit_softmax_options options;
    options.size = sizeof(nepit_softmax_options);
    options.label_smoothing = 0;
    options.ignore_index = -100;
    options.z_loss = 0;
    options.softcap = 0;
    options.temperature = 1;
    options.reduction = NEPIT_REDUCTION_MEAN;
    return options;
}

/** Softmax cross-entropy of each row of logits and its label, with the gradient.
 *
 *      loss = r ((1 - e) w_y (L - z_y) + e / cols sum_j w_j (L - z_j) + w_y zeta L^2),    L = log sum_j e^z_j
 *
 *  with e the label smoothing, w the class weights, r the row's weight, zeta
 *  the z-loss coefficient. The mean divides by the sum of r w_y over the rows
 *  that are not ignored.
 *
 *  @param[in]  logits  [rows, cols] Any numbers.
 *  @param[in]  labels  [rows, 1] Labels: int32 or int64, from 0 to cols - 1 or ignore_index. A single row of as many
 *                      serves, too.
 *  @param[in]  class_weights [1, cols] The weight w of each label; optional: 1.
 *  @param[in]  row_weights [rows, 1] The weight r of each row; optional: 1. A single row of as many serves, too.
 *  @param[in]  options See nepit_softmax_options; optional.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [1] The reduced loss; optional.
 *  @param[out] losses  [rows] The loss of each row; optional.
 *  @param[out] log_sums [rows] L of each row, also of those ignored; optional.
 *  @param[out] argmax  [rows] The column of the greatest logit, the first of equals; optional.
 *  @param[out] counts  [2] How many rows are not ignored, and of how many of these the label is argmax; optional.
 *  @param[out] gradient [rows, cols] Of the reduced loss by the logits, in place of logits; optional.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE, _LABEL or _CANCELLED.
 *
 *  Values:    0 in loss and gradient of an ignored row, and of a row or class of weight 0. +infinity where the label's
 *             logit is -infinity, with the gradient softmax - onehot. The argmax of a row that gives NaN is any column.
 *  Accuracy:  2^-46, also where the label has nearly all of the probability; with a softcap 2^-40.
 *  Reference: Murphy (2022), section 10.3; Szegedy et al. (2016), Rethinking the Inception architecture, section 7.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_softmax_cross_entropy(nepit_array logits, nepit_array labels, nepit_array class_weights,
                                                   nepit_array row_weights, const nepit_softmax_options *options,
                                                   const nepit_execution *execution, double *out, double *losses,
                                                   double *log_sums, int64_t *argmax, int64_t *counts,
                                                   nepit_mutable_array gradient);

/** Softmax cross-entropy of each row of logits and a distribution of targets, with both gradients.
 *
 *      loss = r ((1 - e) sum_j w_j t_j (L - z_j) + e / cols sum_j w_j (L - z_j) + zeta L^2 sum_j w_j t_j)
 *
 *  with L = log sum_j e^z_j, t the row's targets over their sum, e the label
 *  smoothing, w the class weights, r the row's weight, zeta the z-loss
 *  coefficient: that of a label's row where all of the targets is there. The
 *  mean divides by the sum of the rows' weights r; ignore_index is not used.
 *
 *  @param[in]  logits  [rows, cols] Any numbers.
 *  @param[in]  targets [rows, cols] Probabilities or counts, at least 0.
 *  @param[in]  class_weights [1, cols] The weight w of each class, at least 0; optional: 1.
 *  @param[in]  row_weights [rows, 1] The weight r of each row; optional: 1. A single row of as many serves, too.
 *  @param[in]  options See nepit_softmax_options; optional.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [1] The reduced loss; optional.
 *  @param[out] losses  [rows] The loss of each row; optional.
 *  @param[out] log_sums [rows] L of each row; optional.
 *  @param[out] gradient [rows, cols] Of the reduced loss by the logits, in place of logits; optional.
 *  @param[out] target_gradient [rows, cols] Of the reduced loss by the targets; optional.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    0 in loss and gradients of a row of weight 0. NaN for a row of targets that is no distribution. A target
 *             of 0 contributes 0, also where the logit is -infinity; any other makes the loss +infinity there.
 *  Accuracy:  2^-46, also where one outcome has nearly all of the probability; with a softcap 2^-40.
 *  Reference: Murphy (2022), section 10.3; Szegedy et al. (2016), Rethinking the Inception architecture, section 7.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_softmax_cross_entropy_soft(nepit_array logits, nepit_array targets,
                                                        nepit_array class_weights, nepit_array row_weights,
                                                        const nepit_softmax_options *options,
                                                        const nepit_execution *execution, double *out, double *losses,
                                                        double *log_sums, nepit_mutable_array gradient,
                                                        nepit_mutable_array target_gradient);

/** What a student's distribution is compared with a teacher's by. */
typedef int32_t nepit_divergence;

#define NEPIT_DIVERGENCE_FORWARD_KL 0      /**< KL(teacher || student) */
#define NEPIT_DIVERGENCE_REVERSE_KL 1      /**< KL(student || teacher) */
#define NEPIT_DIVERGENCE_JENSEN_SHANNON 2  /**< Jensen-Shannon of weight beta */
#define NEPIT_DIVERGENCE_TOTAL_VARIATION 3 /**< Half the sum of the differences' magnitudes. */

/** Options of a distillation; nepit_distillation_defaults gives the defaults. */
typedef struct nepit_distillation_options {
    size_t size;            /**< sizeof(nepit_distillation_options) of the caller */
    double beta;            /**< In (0, 1). The teacher's share of the mixture of Jensen-Shannon; 0.5 */
    double temperature;     /**< In (0, inf). Divides the logits of both; 1 */
    nepit_divergence divergence; /**< In [0, 3]. NEPIT_DIVERGENCE_FORWARD_KL or another; _FORWARD_KL */
    int32_t temperature_squared; /**< In [0, 1]. 1 multiplies the losses by temperature^2; 0 */
    nepit_reduction reduction; /**< In [0, 1]. NEPIT_REDUCTION_SUM or _MEAN; _MEAN */
} nepit_distillation_options;

/** The defaults, to be changed. */
static inline nepit_distillation_options nepit_distillation_defaults(void) {
    nepit_distillation_options options;
    options.size = sizeof(nepit_distillation_options);
    options.beta = 0.5;
    options.temperature = 1;
    options.divergence = NEPIT_DIVERGENCE_FORWARD_KL;
    options.temperature_squared = 0;
    options.reduction = NEPIT_REDUCTION_MEAN;
    return options;
}

/** Distillation: a divergence of each row of a student's logits from the teacher's, with the gradients.
 *
 *      p = softmax(teacher / T), q = softmax(student / T), m = beta p + (1 - beta) q
 *      forward KL:      sum_j p_j log(p_j / q_j)
 *      reverse KL:      sum_j q_j log(q_j / p_j)
 *      Jensen-Shannon:  beta KL(p || m) + (1 - beta) KL(q || m)
 *      total variation: sum_j |p_j - q_j| / 2
 *
 *  each times the row's weight, and times T^2 if the options say so, which
 *  keeps the gradient's size as T grows. The mean divides by the sum of the
 *  weights. As beta tends to 0, Jensen-Shannon over beta tends to the forward
 *  KL, and as it tends to 1, over 1 - beta to the reverse.
 *
 *  @param[in]  student [rows, cols] Any numbers.
 *  @param[in]  teacher [rows, cols] Any numbers.
 *  @param[in]  row_weights [rows, 1] The weight of each row; optional: 1. A single row of as many serves, too.
 *  @param[in]  options See nepit_distillation_options; optional.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [1] The reduced loss; optional.
 *  @param[out] losses  [rows] The loss of each row; optional.
 *  @param[out] student_gradient [rows, cols] Of the reduced loss by the student's logits, in place of student;
 *                      optional.
 *  @param[out] teacher_gradient [rows, cols] Of the reduced loss by the teacher's logits, in place of teacher;
 *                      optional.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    0 in loss and gradients of a row of weight 0. +infinity for forward KL where the student has a logit of
 *             -infinity and the teacher has not, and for reverse KL the other way round; the gradient by the other's
 *             logits is then NaN. Where p_j = q_j, total variation has the derivative 0.
 *  Accuracy:  2^-46, also where the rows nearly agree: down to 1e-30, and total variation to 1e-15; float32 and half
 *             floats 2^-19, down to 1e-20 and 1e-15.
 *  Reference: Hinton, Vinyals and Dean (2015), Distilling the knowledge in a neural network, section 2; Agarwal et al.
 *             (2024), On-policy distillation of language models, section 2.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_distillation(nepit_array student, nepit_array teacher, nepit_array row_weights,
                                          const nepit_distillation_options *options, const nepit_execution *execution,
                                          double *out, double *losses, nepit_mutable_array student_gradient,
                                          nepit_mutable_array teacher_gradient);

/** Log-sum-exp of each row of logits, with its gradient.
 *
 *      log sum_j e^(x_j / temperature)
 *
 *  @param[in]  logits  [rows, cols] Any numbers.
 *  @param      temperature In (0, inf). Divides the logits.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows] Log-sum-exps; optional.
 *  @param[out] gradient [rows, cols] Of each result by its row, softmax / temperature, in place of logits; optional.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Accuracy:  2^-46 of |max x / temperature| + log(cols); gradient 2^-46, but of float32 and half floats a component
 *             below 2^-124 of the greatest may be 0.
 *  Reference: Murphy (2022), section 2.5.4.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_logsumexp(nepit_array logits, double temperature, const nepit_execution *execution,
                                       double *out, nepit_mutable_array gradient);

/** Softmax of each row of logits.
 *
 *      p_j = e^(x_j / temperature) / sum_k e^(x_k / temperature)
 *
 *  @param[in]  logits  [rows, cols] Any numbers.
 *  @param      temperature In (0, inf). Divides the logits.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows, cols] Probabilities, in place of logits.
 *  @return As nepit_logsumexp.
 *
 *  Accuracy:  2^-46; of float32 and half floats a probability below 2^-124 of the greatest may be 0.
 *  Reference: Murphy (2022), section 2.5.2.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_softmax(nepit_array logits, double temperature, const nepit_execution *execution,
                                     nepit_mutable_array out);

/** Logarithm of the softmax of each row of logits.
 *
 *      log p_j = x_j / temperature - log sum_k e^(x_k / temperature)
 *
 *  @param[in]  logits  [rows, cols] Any numbers.
 *  @param      temperature In (0, inf). Divides the logits.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [rows, cols] At most 0, in place of logits.
 *  @return As nepit_logsumexp.
 *
 *  Values:    -infinity where the logit is.
 *  Accuracy:  2^-46, also where a probability is nearly 1.
 *  Reference: Murphy (2022), section 2.5.4.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_log_softmax(nepit_array logits, double temperature, const nepit_execution *execution,
                                         nepit_mutable_array out);

/** Gradient by each row of logits of what has the gradient v by their softmax: a vector-Jacobian product.
 *
 *      g_k = p_k (v_k - sum_j p_j v_j) / temperature
 *
 *  @param[in]  logits  [rows, cols] Any numbers.
 *  @param[in]  upstream [rows, cols] v: any numbers.
 *  @param      temperature In (0, inf). Divides the logits.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] gradient [rows, cols] Gradients, in place of logits.
 *  @return As nepit_logsumexp.
 *
 *  Accuracy:  2^-46 of p_k sum_j p_j |v_k - v_j| / temperature and p_k |v_k - v_m| / temperature, m the greatest logit.
 *  Reference: Griewank and Walther (2008), Evaluating derivatives, section 3.2.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_softmax_vjp(nepit_array logits, nepit_array upstream, double temperature,
                                         const nepit_execution *execution, nepit_mutable_array gradient);

/** Gradient by each row of logits of what has the gradient v by their log-softmax: a vector-Jacobian product.
 *
 *      g_k = (v_k - p_k sum_j v_j) / temperature
 *
 *  @param[in]  logits  [rows, cols] Any numbers.
 *  @param[in]  upstream [rows, cols] v: any numbers.
 *  @param      temperature In (0, inf). Divides the logits.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] gradient [rows, cols] Gradients, in place of logits.
 *  @return As nepit_logsumexp.
 *
 *  Accuracy:  2^-46 of ((1 - p_k) |v_k| + p_k sum_j!=k |v_j|) / temperature.
 *  Reference: Griewank and Walther (2008), Evaluating derivatives, section 3.2.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_log_softmax_vjp(nepit_array logits, nepit_array upstream, double temperature,
                                             const nepit_execution *execution, nepit_mutable_array gradient);

/* ------------------------------------------- sums of terms, one an element
 *
 * A loss of these is a sum of terms, one for each element: row i's is the sum
 * of its terms, the sum that of all rows. Inputs are of any type; of float32
 * and half floats the terms are computed in float32 or better. An element
 * with a NaN has the term NaN, and so have its row's loss and its gradients.
 */

/** Options of a divergence of Gaussians; nepit_gaussian_defaults gives the defaults. */
typedef struct nepit_gaussian_options {
    size_t size;            /**< sizeof(nepit_gaussian_options) of the caller */
    double free_bits;       /**< In [0, inf). The least that an element contributes, in nepits; 0 */
    nepit_reduction reduction; /**< In [0, 1]. NEPIT_REDUCTION_SUM or _MEAN, of the rows; _MEAN */
} nepit_gaussian_options;

/** The defaults, to be changed. */
static inline nepit_gaussian_options nepit_gaussian_defaults(void) {
    nepit_gaussian_options options;
    options.size = sizeof(nepit_gaussian_options);
    options.free_bits = 0;
    options.reduction = NEPIT_REDUCTION_MEAN;
    return options;
}

/** Kullback-Leibler divergence of diagonal Gaussians from the standard normal or from others, with the gradients.
 *
 *      KL_ij = (e^d - 1 - d + (m - m')^2 e^-l') / 2,    d = l - l'
 *      loss_i = sum_j max(KL_ij, free_bits)
 *
 *  with m and l the mean and the log-variance of one, m' and l' those of the
 *  other. An element whose divergence is below the free bits has no gradient.
 *
 *  @param[in]  mean    [rows, cols] Means m.
 *  @param[in]  log_variance [rows, cols] Logarithms l of the variances.
 *  @param[in]  other_mean [rows, cols] Means m'; optional: 0.
 *  @param[in]  other_log_variance [rows, cols] Logarithms l' of the variances; optional: 0.
 *  @param[in]  options See nepit_gaussian_options; optional.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [1] The sum of the rows' losses, or their mean; optional.
 *  @param[out] losses  [rows] The loss of each row; optional.
 *  @param[out] terms   [rows, cols] What each element contributes to its row's loss; optional.
 *  @param[out] mean_gradient [rows, cols] Of the reduced loss by m, in place of mean; optional.
 *  @param[out] log_variance_gradient [rows, cols] By l, in place of log_variance; optional.
 *  @param[out] other_mean_gradient [rows, cols] By m', in place of other_mean; optional.
 *  @param[out] other_log_variance_gradient [rows, cols] By l', in place of other_log_variance; optional.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    0 where both are equal, never less. +infinity where just one of the variances is 0 or infinite. 0 of no
 *             rows.
 *  Accuracy:  2^-46, also where both nearly agree.
 *  Reference: Kingma and Welling (2014), Auto-encoding variational Bayes, appendix B; Kingma et al. (2016), Improved
 *             variational inference with inverse autoregressive flow, equation 15, of each element.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_gaussian_kl(nepit_array mean, nepit_array log_variance, nepit_array other_mean,
                                         nepit_array other_log_variance, const nepit_gaussian_options *options,
                                         const nepit_execution *execution, double *out, double *losses,
                                         nepit_mutable_array terms, nepit_mutable_array mean_gradient,
                                         nepit_mutable_array log_variance_gradient,
                                         nepit_mutable_array other_mean_gradient,
                                         nepit_mutable_array other_log_variance_gradient);

/** Cross-entropy of the sigmoid of each logit with its target, with the gradients.
 *
 *      term_ij = w_ij (v_j y log(1 + e^-x) + (1 - y) log(1 + e^x))
 *
 *  with the weights w and the weights v of positives: several labels of a row
 *  by themselves. The mean divides by the number of elements.
 *
 *  @param[in]  logits  [rows, cols] Any numbers x.
 *  @param[in]  targets [rows, cols] Probabilities y, or labels 0 and 1; no limit is enforced.
 *  @param[in]  weights [rows, cols] The weight w of each element; optional: 1.
 *  @param[in]  positive_weights [1, cols] The weight v of each column's positives; optional: 1.
 *  @param      reduction In [0, 1]. NEPIT_REDUCTION_SUM or _MEAN, of the elements.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [1] The sum or the mean of the terms; optional.
 *  @param[out] losses  [rows] The sum of each row's terms; optional.
 *  @param[out] terms   [rows, cols] Each element's; optional.
 *  @param[out] gradient [rows, cols] Of the reduced loss by the logits, in place of logits; optional.
 *  @param[out] target_gradient [rows, cols] By the targets, in place of targets; optional.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE or _CANCELLED.
 *
 *  Values:    0 where the weight is 0, and where an infinite logit is right; +infinity where it is wrong. 0 of no rows.
 *  Accuracy:  2^-46 of the sum of the terms' magnitudes; of one with a target from 0 to 1 2^-46, also where the
 *             prediction is confident.
 *  Reference: Murphy (2022), section 10.2.3.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_sigmoid_cross_entropy(nepit_array logits, nepit_array targets, nepit_array weights,
                                                   nepit_array positive_weights, nepit_reduction reduction,
                                                   const nepit_execution *execution, double *out, double *losses,
                                                   nepit_mutable_array terms, nepit_mutable_array gradient,
                                                   nepit_mutable_array target_gradient);

/** Cross-entropy of each probability with its target, with the gradients.
 *
 *      term_ij = -w_ij (y log p + (1 - y) log(1 - p))
 *
 *  The mean divides by the number of elements. From logits
 *  nepit_sigmoid_cross_entropy knows more: a probability near 1 has lost the
 *  rest.
 *
 *  @param[in]  probabilities [rows, cols] Probabilities p, from 0 to 1.
 *  @param[in]  targets [rows, cols] Probabilities y, or labels 0 and 1; no limit is enforced.
 *  @param[in]  weights [rows, cols] The weight w of each element; optional: 1.
 *  @param      reduction In [0, 1]. NEPIT_REDUCTION_SUM or _MEAN, of the elements.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [1] The sum or the mean of the terms; optional.
 *  @param[out] losses  [rows] The sum of each row's terms; optional.
 *  @param[out] terms   [rows, cols] Each element's; optional.
 *  @param[out] gradient [rows, cols] Of the reduced loss by the probabilities, in place of probabilities; optional.
 *  @param[out] target_gradient [rows, cols] By the targets, in place of targets; optional.
 *  @return As nepit_sigmoid_cross_entropy.
 *
 *  Values:    NaN where a probability is below 0 or above 1; 0 log 0 = 0; +infinity where a probability of 0 was
 *             expected to be none, or one of 1.
 *  Accuracy:  As nepit_sigmoid_cross_entropy.
 *  Reference: Murphy (2022), section 10.2.3.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_binary_cross_entropy(nepit_array probabilities, nepit_array targets, nepit_array weights,
                                                  nepit_reduction reduction, const nepit_execution *execution,
                                                  double *out, double *losses, nepit_mutable_array terms,
                                                  nepit_mutable_array gradient, nepit_mutable_array target_gradient);

/** Options of a negative log-likelihood of labels; nepit_nll_defaults gives the defaults. */
typedef struct nepit_nll_options {
    size_t size;            /**< sizeof(nepit_nll_options) of the caller */
    int64_t ignore_index;   /**< a label whose row counts for nothing; -100 */
    nepit_reduction reduction; /**< In [0, 1]. NEPIT_REDUCTION_SUM or _MEAN, of the rows; _MEAN */
} nepit_nll_options;

/** The defaults, to be changed. */
static inline nepit_nll_options nepit_nll_defaults(void) {
    nepit_nll_options options;
    options.size = sizeof(nepit_nll_options);
    options.ignore_index = -100;
    options.reduction = NEPIT_REDUCTION_MEAN;
    return options;
}

/** Negative log-likelihood of labels from log-probabilities, with the gradient.
 *
 *      loss_i = -w_y log p_iy
 *
 *  The mean divides by the sum of w_y over the rows that are not ignored.
 *
 *  @param[in]  log_probabilities [rows, cols] Logarithms of probabilities, as nepit_log_softmax gives them.
 *  @param[in]  labels  [rows, 1] Labels: int32 or int64, from 0 to cols - 1 or ignore_index. A single row of as many
 *                      serves, too.
 *  @param[in]  class_weights [1, cols] The weight w of each label; optional: 1.
 *  @param[in]  options See nepit_nll_options; optional.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [1] The sum or the mean of the losses; optional.
 *  @param[out] losses  [rows] The loss of each row; optional.
 *  @param[out] gradient [rows, cols] Of the reduced loss by the log-probabilities, in place of log_probabilities;
 *                      optional.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _PARAMETER, _SIZE, _LABEL or _CANCELLED.
 *
 *  Values:    0 in loss and gradient of an ignored row, and of a class of weight 0. 0 where nothing counts.
 *  Accuracy:  2^-46 of the sum of the losses' magnitudes.
 *  Reference: Murphy (2022), section 4.2.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_nll(nepit_array log_probabilities, nepit_array labels, nepit_array class_weights,
                                 const nepit_nll_options *options, const nepit_execution *execution, double *out,
                                 double *losses, nepit_mutable_array gradient);

/** Options of a Gaussian negative log-likelihood; nepit_gaussian_nll_defaults gives the defaults. */
typedef struct nepit_gaussian_nll_options {
    size_t size;            /**< sizeof(nepit_gaussian_nll_options) of the caller */
    double eps;             /**< In [0, inf). The least variance: a smaller one counts as this; 1e-6 */
    int32_t full;           /**< In [0, 1]. Whether log(2 pi) / 2 is added; 0 */
    int32_t log_variance;   /**< In [0, 1]. Whether the variances are given by their logarithms, without eps; 0 */
    nepit_reduction reduction; /**< In [0, 1]. NEPIT_REDUCTION_SUM or _MEAN, of the elements; _MEAN */
} nepit_gaussian_nll_options;

/** The defaults, to be changed. */
static inline nepit_gaussian_nll_options nepit_gaussian_nll_defaults(void) {
    nepit_gaussian_nll_options options;
    options.size = sizeof(nepit_gaussian_nll_options);
    options.eps = 1e-6;
    options.full = 0;
    options.log_variance = 0;
    options.reduction = NEPIT_REDUCTION_MEAN;
    return options;
}

/** Negative log-likelihood of Gaussians at targets, with the gradients.
 *
 *      term_ij = (log s + (m - y)^2 / s) / 2,    s = max(variance, eps)
 *
 *  The mean divides by the number of elements. The gradient by a variance
 *  below eps is that at eps, so that the variance can grow again.
 *
 *  @param[in]  mean    [rows, cols] Means m.
 *  @param[in]  targets [rows, cols] Where the density is taken, y.
 *  @param[in]  variance [rows, cols] Variances, at least 0, or their logarithms.
 *  @param[in]  options See nepit_gaussian_nll_options; optional.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [1] The sum or the mean of the terms; optional.
 *  @param[out] losses  [rows] The sum of each row's terms; optional.
 *  @param[out] terms   [rows, cols] Each element's; optional.
 *  @param[out] mean_gradient [rows, cols] Of the reduced loss by the means, in place of mean; optional.
 *  @param[out] target_gradient [rows, cols] By the targets, in place of targets; optional.
 *  @param[out] variance_gradient [rows, cols] By the variances, or their logarithms, in place of variance; optional.
 *  @return As nepit_gaussian_kl.
 *
 *  Values:    NaN where a variance is negative; +infinity where it is 0 away from the mean, -infinity at the mean. 0 of
 *             no rows.
 *  Accuracy:  2^-46 of the magnitudes of what is added.
 *  Reference: Nix and Weigend (1994), Estimating the mean and variance of the target probability distribution.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_gaussian_nll(nepit_array mean, nepit_array targets, nepit_array variance,
                                          const nepit_gaussian_nll_options *options, const nepit_execution *execution,
                                          double *out, double *losses, nepit_mutable_array terms,
                                          nepit_mutable_array mean_gradient, nepit_mutable_array target_gradient,
                                          nepit_mutable_array variance_gradient);

/** Options of a Poisson negative log-likelihood; nepit_poisson_nll_defaults gives the defaults. */
typedef struct nepit_poisson_nll_options {
    size_t size;            /**< sizeof(nepit_poisson_nll_options) of the caller */
    double eps;             /**< In [0, inf). What is added to a rate before its logarithm is taken; 1e-8 */
    int32_t full;           /**< In [0, 1]. Whether Stirling's formula for log y! is added where y > 1; 0 */
    int32_t log_input;      /**< In [0, 1]. Whether the rates are given by their logarithms, without eps; 1 */
    nepit_reduction reduction; /**< In [0, 1]. NEPIT_REDUCTION_SUM or _MEAN, of the elements; _MEAN */
} nepit_poisson_nll_options;

/** The defaults, to be changed. */
static inline nepit_poisson_nll_options nepit_poisson_nll_defaults(void) {
    nepit_poisson_nll_options options;
    options.size = sizeof(nepit_poisson_nll_options);
    options.eps = 1e-8;
    options.full = 0;
    options.log_input = 1;
    options.reduction = NEPIT_REDUCTION_MEAN;
    return options;
}

/** Negative log-likelihood of Poisson distributions at targets, with the gradients.
 *
 *      term_ij = e^x - y x,    or  x - y log(x + eps)  of rates
 *      full: + y log y - y + log(2 pi y) / 2  where y > 1
 *
 *  The mean divides by the number of elements.
 *
 *  @param[in]  rates   [rows, cols] Logarithms x of the rates, or the rates x.
 *  @param[in]  targets [rows, cols] Counts y, at least 0; any numbers are taken.
 *  @param[in]  options See nepit_poisson_nll_options; optional.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [1] The sum or the mean of the terms; optional.
 *  @param[out] losses  [rows] The sum of each row's terms; optional.
 *  @param[out] terms   [rows, cols] Each element's; optional.
 *  @param[out] gradient [rows, cols] Of the reduced loss by x, in place of rates; optional.
 *  @param[out] target_gradient [rows, cols] By the targets, in place of targets; optional.
 *  @return As nepit_gaussian_kl.
 *
 *  Values:    NaN where a rate is below -eps. 0 of no rows.
 *  Accuracy:  2^-46 of the magnitudes of what is added.
 *  Reference: Cameron and Trivedi (2013), Regression analysis of count data, section 3.2.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_poisson_nll(nepit_array rates, nepit_array targets,
                                         const nepit_poisson_nll_options *options, const nepit_execution *execution,
                                         double *out, double *losses, nepit_mutable_array terms,
                                         nepit_mutable_array gradient, nepit_mutable_array target_gradient);

/** How samples estimate a divergence, from d, the other log-probability less the own. */
typedef int32_t nepit_kl_estimator;

#define NEPIT_KL_ESTIMATOR_K1 1   /**< -d: unbiased, of either sign. */
#define NEPIT_KL_ESTIMATOR_K2 2   /**< d^2 / 2: biased, of little variance. */
#define NEPIT_KL_ESTIMATOR_K3 3   /**< e^d - 1 - d: unbiased, and never negative. */

/** Estimates from samples of a policy's Kullback-Leibler divergence from another, with the gradients.
 *
 *      term_ij = w_ij k(d),    d = other - own
 *
 *  with the log-probabilities of what was sampled under the policy it was
 *  sampled from, and under the other; the mean over the samples estimates
 *  D(own || other). The mean divides by the sum of the weights, and is 0 where
 *  that is: weights of 0 and 1 mask the tokens that do not count.
 *
 *  @param[in]  log_probabilities [rows, cols] Of each sample under its own policy.
 *  @param[in]  other_log_probabilities [rows, cols] Of it under the other.
 *  @param[in]  weights [rows, cols] The weight w of each sample; optional: 1.
 *  @param      estimator In [1, 3]. NEPIT_KL_ESTIMATOR_K1, _K2 or _K3.
 *  @param      reduction In [0, 1]. NEPIT_REDUCTION_SUM or _MEAN, of the samples.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [1] The sum or the mean of the terms; optional.
 *  @param[out] losses  [rows] The sum of each row's terms; optional.
 *  @param[out] terms   [rows, cols] Each sample's; optional.
 *  @param[out] gradient [rows, cols] Of the reduced loss by log_probabilities, in place of log_probabilities; optional.
 *  @param[out] other_gradient [rows, cols] By the other ones, in place of other_log_probabilities; optional.
 *  @return As nepit_sigmoid_cross_entropy.
 *
 *  Values:    0 where the weight is 0. NaN where both log-probabilities are the same infinity.
 *  Accuracy:  2^-46 of the sum of the terms' magnitudes, also where both policies nearly agree.
 *  Reference: Schulman (2020), Approximating KL divergence.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_sampled_kl(nepit_array log_probabilities, nepit_array other_log_probabilities,
                                        nepit_array weights, nepit_kl_estimator estimator, nepit_reduction reduction,
                                        const nepit_execution *execution, double *out, double *losses,
                                        nepit_mutable_array terms, nepit_mutable_array gradient,
                                        nepit_mutable_array other_gradient);

/** Entropy of categorical policies from their logits, with action masks and the gradient.
 *
 *      H_i = -sum_j p_j log p_j,    p = softmax of the logits whose mask is not 0
 *
 *  An action whose mask is 0 has probability 0 and gradient 0, whatever its
 *  logit. A row whose mask allows none counts for nothing: its entropy is 0,
 *  and the mean divides by the other rows.
 *
 *  @param[in]  logits  [rows, cols] Any numbers.
 *  @param[in]  mask    [rows, cols] Not 0 where an action is allowed; optional: all are.
 *  @param      reduction In [0, 1]. NEPIT_REDUCTION_SUM or _MEAN, of the rows.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] out     [1] The sum or the mean of the entropies; optional.
 *  @param[out] entropies [rows] Of each row, from 0 to log(cols); optional.
 *  @param[out] gradient [rows, cols] Of the reduced entropy by the logits, in place of logits; optional.
 *  @return As nepit_sigmoid_cross_entropy.
 *
 *  Values:    0 where one action alone is allowed. 0 where no row counts.
 *  Accuracy:  2^-46, also where one action has nearly all of the probability; gradient 2^-46, but of float32 and half
 *             floats a component below 2^-124 of the greatest probability may be 0.
 *  Reference: Schulman et al. (2017), Proximal policy optimization algorithms, equation 9; Huang and Ontanon (2022), A
 *             closer look at invalid action masking.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_policy_entropy(nepit_array logits, nepit_array mask, nepit_reduction reduction,
                                            const nepit_execution *execution, double *out, double *entropies,
                                            nepit_mutable_array gradient);

/* -------------------------------------------------- comparison of two models */

/** How far a model's logits are from those of a base model, over any number of tokens. See Objects.
 *
 *  Its sums are exact and the rest is counted, so that the same tokens leave the same bits, in whatever order they came
 *  and into however many objects they were divided before these were merged.
 */
typedef struct nepit_logits_comparison nepit_logits_comparison;

/* The columns of the values that nepit_logits_comparison_update writes for each token. */
#define NEPIT_LOGITS_KL 0              /**< Divergence of the test model from the base, KL(base || test). */
#define NEPIT_LOGITS_REVERSE_KL 1      /**< KL(test || base). */
#define NEPIT_LOGITS_JENSEN_SHANNON 2  /**< Jensen-Shannon divergence. */
#define NEPIT_LOGITS_TOTAL_VARIATION 3 /**< Total variation, in [0, 1]. */
#define NEPIT_LOGITS_BASE_ENTROPY 4    /**< Entropy of the base model's distribution. */
#define NEPIT_LOGITS_TEST_ENTROPY 5    /**< Entropy of the test model's. */
#define NEPIT_LOGITS_SAME_TOP 6        /**< 1 if both hold the same token for the most likely, else 0. */
#define NEPIT_LOGITS_OVERLAP 7         /**< Share of the top tokens that both have, in [0, 1]. */
#define NEPIT_LOGITS_BASE_LOSS 8       /**< -log of the probability that the base model gives the label. */
#define NEPIT_LOGITS_TEST_LOSS 9       /**< -log of the probability that the test model gives it. */
#define NEPIT_LOGITS_LOG_RATIO 10      /**< Test loss less base loss, of its own accuracy. */
#define NEPIT_LOGITS_PROBABILITY_CHANGE 11 /**< The label's probability by the test model less that by the base. */
#define NEPIT_LOGITS_VALUES 12         /**< How many there are. */

/** A mean over tokens, and its standard error. */
typedef struct nepit_estimate {
    double mean;            /**< NaN where there are no tokens */
    double error;           /**< standard deviation over the root of the number of tokens; NaN for fewer than two */
} nepit_estimate;

/** What a comparison of logits tells; in nepits. A token is a row. */
typedef struct nepit_logits_summary {
    size_t size;            /**< sizeof(nepit_logits_summary) of the caller, to be set before the call */
    uint64_t rows;          /**< tokens that all the rest is about */
    uint64_t labelled;      /**< those of them with a label */
    uint64_t invalid;       /**< tokens one of whose rows is no distribution: they are counted here and nowhere else */
    uint64_t first_invalid; /**< position of the first of these */
    nepit_estimate kl;              /**< KL(base || test) */
    nepit_estimate reverse_kl;      /**< KL(test || base) */
    nepit_estimate jensen_shannon;
    nepit_estimate total_variation;
    nepit_estimate base_entropy;
    nepit_estimate test_entropy;
    nepit_estimate same_top;        /**< share of the tokens */
    nepit_estimate overlap;         /**< mean share of the top tokens that both have */
    double kl_max, kl_min;          /**< NaN where there are no tokens; never below 0 */
    uint64_t kl_max_position, kl_min_position;  /**< the first of equal ones */
    nepit_estimate base_loss;       /**< from here on of labelled tokens */
    nepit_estimate test_loss;
    nepit_estimate log_ratio;       /**< test loss less base loss: the logarithm of perplexity_ratio */
    nepit_estimate base_perplexity;
    nepit_estimate test_perplexity;
    nepit_estimate perplexity_ratio;        /**< test over base */
    nepit_estimate perplexity_difference;   /**< test less base; its error knows that the losses go together */
    double loss_covariance;         /**< of the tokens' two losses */
    double loss_correlation;
    nepit_estimate probability_change;      /**< of the label, test less base */
    nepit_estimate probability_change_rms;  /**< root of the mean square */
    double probability_change_max, probability_change_min;
    uint64_t probability_change_max_position, probability_change_min_position;
} nepit_logits_summary;

/** Makes a comparison that has seen no tokens.
 *
 *  @param      cols    In [1, 2147483648]. The size of the vocabulary.
 *  @param      top     In [1, 64]. How many of each model's most likely tokens the overlap is about.
 *  @param      sketch_bits In [0, 12]. 0: percentiles are exact, for 4 bytes a token, and 4 more where it has a label.
 *                      Else their relative error is at most 2^-(sketch_bits + 1), for 8160 * 2^sketch_bits bytes.
 *  @param      first   In [0, 9007199254740991]. The position of the first token.
 *  @param[out] comparison [1] The object.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _PARAMETER or _MEMORY.
 *
 *  Memory:    Allocates.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_logits_comparison_create(size_t cols, size_t top, size_t sketch_bits, size_t first,
                                                      nepit_logits_comparison **comparison);

/** Compares the next tokens.
 *
 *  Of equal logits the one of the lower column is the more likely.
 *
 *  @param[in,out] comparison [1] The object.
 *  @param[in]  base    [rows, cols] The base model's logits, of a floating-point type.
 *  @param[in]  test    [rows, cols] The other model's, of a floating-point type.
 *  @param[in]  labels  [rows, 1] Labels: int32 or int64, from 0 to cols - 1, the tokens that came next, or -100 where
 *                      none is known; optional: none is.
 *  @param[in]  execution See Execution; optional.
 *  @param[out] values  [rows, 12] What each token is compared by, in the columns NEPIT_LOGITS_...; NaN in a row that is
 *                      no distribution, and where there is no label; optional.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _LABEL, _PARAMETER, _SIZE, _MEMORY or _CANCELLED.
 *
 *  Accuracy:  2^-44, or 2^-20 where both are of smaller floats than float64, also where the two models nearly agree:
 *             down to divergences of 2^-60. The total variation, the log ratio and the probability change have an
 *             absolute error of 2^-46 besides, or for small floats the last two one of 2^-20 times the total variation;
 *             the divergences one of 2^-98, or 2^-74. Nothing is rounded when tokens are added up.
 *  Memory:    Allocates 104 bytes a row while it runs.
 *  Reference: Kullback and Leibler (1951), On information and sufficiency.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_logits_comparison_update(nepit_logits_comparison *comparison, nepit_array base,
                                                      nepit_array test, nepit_array labels,
                                                      const nepit_execution *execution, nepit_mutable_array values);

/** Adds the tokens that another comparison has seen.
 *
 *  @param[in,out] comparison [1] The object that takes them; its next token's position is the greater one of both.
 *  @param[in]  other   [1] The object that keeps them too.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE (of another vocabulary), _PARAMETER (another top, other
 *          sketch_bits, or more than 2^50 tokens together) or _MEMORY.
 *
 *  Memory:    Allocates.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_logits_comparison_merge(nepit_logits_comparison *comparison,
                                                     const nepit_logits_comparison *other);

/** What the comparison tells so far.
 *
 *  @param[in]  comparison [1] The object.
 *  @param[in,out] summary [1] The record, its size set.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL or _SIZE.
 *
 *  Values:    A mean is infinite where a token's value is; then its error is NaN.
 *  Accuracy:  means and standard errors 2^-50 of the tokens' values as they are; perplexities 2^-48 of their
 *             logarithms' exponentials.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_logits_comparison_summary(const nepit_logits_comparison *comparison,
                                                       nepit_logits_summary *summary);

/** Quantiles over tokens of the divergence KL(base || test) and of the change of the label's probability.
 *
 *  Of the n sorted values v_0 ... v_(n-1), the quantile at p lies at the place (n - 1) p: between two of them linearly.
 *
 *  @param[in]  comparison [1] The object.
 *  @param      count   In [0, 1048576]. How many quantiles.
 *  @param[in]  probabilities [count] The p, each in [0, 1]; 0.5 is the median.
 *  @param[out] kl      [count] Of the divergence; optional.
 *  @param[out] probability_change [count] Of the change of the label's probability; optional.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL or _PARAMETER.
 *
 *  Values:    NaN where there are no tokens.
 *  Accuracy:  2^-24 (a float), or what sketch_bits says: relative to the greater one of the two values that the
 *             quantile lies between. p = 0 and 1 are exact.
 *  Reference: Hyndman and Fan (1996), Sample quantiles in statistical packages, definition 7.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_logits_comparison_quantiles(const nepit_logits_comparison *comparison, size_t count,
                                                         const double *probabilities, double *kl,
                                                         double *probability_change);

/** Writes the comparison as bytes, which nepit_logits_comparison_load takes.
 *
 *  @param[in]  comparison [1] The object.
 *  @param      capacity In [0, inf]. How many bytes there are room for.
 *  @param[out] bytes   [capacity] The bytes, of which the first ones are written; NULL to ask how many are needed;
 *                      optional.
 *  @param[out] length  [1] How many there are.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, or _SHAPE where the capacity is too small.
 *
 *  Values:    The same tokens are the same bytes, whatever their order.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_logits_comparison_save(const nepit_logits_comparison *comparison, size_t capacity,
                                                    unsigned char *bytes, size_t *length);

/** Makes a comparison of what nepit_logits_comparison_save wrote.
 *
 *  @param      length  In [0, inf]. How many bytes there are.
 *  @param[in]  bytes   [length] The bytes, which may be any.
 *  @param[out] comparison [1] The object.
 *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _FORMAT or _MEMORY.
 *
 *  Memory:    Allocates.
 *  Since:     0.1
 */
NEPIT_API nepit_status nepit_logits_comparison_load(size_t length, const unsigned char *bytes,
                                                    nepit_logits_comparison **comparison);

/** Takes a comparison back.
 *
 *  @param[in,out] comparison [1] The object, which is no more; optional.
 *
 *  Since:     0.1
 */
NEPIT_API void nepit_logits_comparison_destroy(nepit_logits_comparison *comparison);

#ifdef __cplusplus
}
#endif

#endif /* NEPIT_H */
