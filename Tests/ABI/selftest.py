#!/usr/bin/env python3
"""Shows that the checks of this folder see what they are for: each header below has one thing wrong.

    selftest.py
"""
import sys
import tempfile
from pathlib import Path

import abi
import header
import python_table

EXECUTION = " *  @param[in]  execution See Execution; optional.\n"
OUT = " *  @param[out] out     [rows] From 0 to log(cols).\n"
P = " *  @param[in]  p       [rows, cols] Weights, at least 0.\n"
Q = " *  @param[in]  q       [rows, cols] Weights of the reference, at least 0.\n"
RETURN = " *  @return NEPIT_OK, or NEPIT_ERROR_NULL, _SHAPE, _DTYPE, _BASE, _PARAMETER, _SIZE or _CANCELLED.\n"
ENTROPY = "nepit_entropy(nepit_array weights, double base, const nepit_execution *execution, double *out)"

# What is wrong, what the error should mention, and the replacements (of the first occurrence) that make it so.
WRONG = [
    ("a missing @param", "@param names", (" *  @param      base    See Units.\n", "")),
    ("parameters in another order than their comments", "the parameters are",
     (ENTROPY, "nepit_entropy(double base, nepit_array weights, const nepit_execution *execution, double *out)")),
    ("outputs before the execution", "the order is", (EXECUTION + OUT, OUT + EXECUTION),
     (ENTROPY, "nepit_entropy(nepit_array weights, double base, double *out, const nepit_execution *execution)")),
    ("a direction that the type contradicts", "is [in] but its type is double *", (OUT, OUT.replace("[out]", "[in]"))),
    ("no direction", "needs a direction", (OUT, OUT.replace("[out]", ""))),
    ("no extents", "needs its extents", (OUT, OUT.replace("[rows] ", ""))),
    ("an unknown extent", "lines is not known", (OUT, OUT.replace("[rows]", "[lines]"))),
    ("too many extents", "has 2 extents", (OUT, OUT.replace("[rows]", "[rows, cols]"))),
    ("no interval", "needs its interval", ("In [0, inf]. The order a.", "The order a.")),
    ("no @return", "no @return", (RETURN, "")),
    ("a status too few", "disagree about BASE", (RETURN, RETURN.replace("_BASE, ", ""))),
    ("a status that does not exist", "BASIS, which is no status", (RETURN, RETURN.replace("_BASE", "_BASIS"))),
    ("@return as a function that is none", "leads nowhere", ("As nepit_entropy.", "As nepit_entropies.")),
    ("no accuracy", 'no "Accuracy:"', (" *  Accuracy:  2^-50, also where one outcome dominates.\n", "")),
    ("no reference", 'no "Reference:"', (" *  Reference: Cover and Thomas (2006), equation 2.1.\n", "")),
    ("no version", 'no "Since:"', (" *  Since:     0.1\n", "")),
    ("no first line", "first line", ("/** Shannon entropy of each row.\n *\n", "/**\n")),
    ("no comment", "no comment", ("/** The instruction set that", "/* The instruction set that")),
    ("an export that is not visible", "NEPIT_API", ("NEPIT_API nepit_status nepit_entr(", "nepit_status nepit_entr(")),
    ("a macro without the prefix", "OKAY", ("#define NEPIT_OK 0", "#define OKAY 0\n#define NEPIT_OK 0")),
    ("an unknown type", "float *, which", ("double *excess)", "float *excess)")),
]

# What is changed, and how the difference from the table should begin.
CHANGES = [
    ("a parameter's type", "changed  function nepit_check_distribution", ("double *excess)", "int32_t *excess)")),
    ("a field's type", "changed  field nepit_execution.threads", ("int32_t threads;", "int64_t threads;")),
    ("a field's place", "changed  field nepit_array.rows",
     ("size_t rows;            /**< i", "size_t cols; /**< i"),
     ("size_t cols;            /**< o", "size_t rows; /**< o")),
    ("a status", "changed  macro NEPIT_ERROR_SIZE", ("NEPIT_ERROR_SIZE (-6)", "NEPIT_ERROR_SIZE (-9)")),
    ("a removed macro", "removed  macro NEPIT_FINDING_NAN", ("#define NEPIT_FINDING_NAN 2 ", "//")),
    ("an added macro", "added    macro NEPIT_NEW", ("#define NEPIT_OK 0", "#define NEPIT_NEW 1\n#define NEPIT_OK 0")),
    ("a type's meaning", "changed  type nepit_dtype", ("typedef int32_t nepit_dtype;", "typedef int64_t nepit_dtype;")),
    ("the names of two parameters, swapped", "changed  function nepit_kl_divergence:",
     ("nepit_kl_divergence(nepit_array p, nepit_array q", "nepit_kl_divergence(nepit_array q, nepit_array p"),
     (P + Q, P.replace(" p ", " q ") + Q.replace(" q ", " p "))),
]

# What of the Python table no longer agrees.
TABLE = [
    ("a prototype", "nepit_entropy: ", (ENTROPY, ENTROPY.replace("weights", "counts")),
     ("@param[in]  weights", "@param[in]  counts")),
    ("a range", "RANGES: floor", ("In [0, 1). The least", "In [0, 1]. The least")),
    ("a constant", "U64 is 12", ("NEPIT_U64 12", "NEPIT_U64 13")),
    ("a record", "Execution.threads", ("int32_t threads;", "int64_t threads;")),
]

failures = []


def fail(name, what):
    failures.append(f"{name}: {what}")


def changed(good, name, replacements):
    """The model of nepit.h with the replacements made."""
    text = good
    for old, new in replacements:
        if old not in text:
            fail(name, f"nepit.h no longer holds {old!r}; change selftest.py with it")
        text = text.replace(old, new, 1)
    with tempfile.TemporaryDirectory() as folder:
        header.HEADER = Path(folder) / "nepit.h"
        header.HEADER.write_text(text)
        return header.read()


def main():
    good = header.HEADER.read_text()
    frozen = abi.table(header.read())
    for name, expected, *replacements in WRONG:
        try:
            changed(good, name, replacements)
            fail(name, "not seen")
        except header.HeaderError as error:
            if expected not in str(error):
                fail(name, f"the error is {error}")
    for name, expected, *replacements in CHANGES:
        try:
            breaking, added = abi.differences(frozen, abi.table(changed(good, name, replacements)))
            if not any(line.startswith(expected) for line in breaking + added):
                fail(name, f"the differences are {breaking + added}")
        except header.HeaderError as error:
            fail(name, error)
    if python_table.TABLE.exists():
        table = python_table.load(python_table.TABLE)
        for name, expected, *replacements in TABLE:
            try:
                found = list(python_table.differences(changed(good, name, replacements), table))
                if not any(line.startswith(expected) for line in found):
                    fail(name, f"the differences are {found}")
            except header.HeaderError as error:
                fail(name, error)
    for line in failures:
        print(line)
    if failures:
        sys.exit(f"selftest.py: {len(failures)} failures")
    print(f"selftest: saw {len(WRONG)} wrong headers, {len(CHANGES)} changes of the ABI, {len(TABLE)} of the table")


if __name__ == "__main__":
    main()
