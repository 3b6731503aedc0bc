"""Writes digits.h, the data of softmax_regression.c, from the copy that scikit-learn carries.

    pip install scikit-learn
    python bindings/c/digits.py
"""

from pathlib import Path

from sklearn.datasets import load_digits

HEAD = """/*
 * Handwritten digits, 8 by 8 pixels: a line each, pixels from A (0) to Q (16), then the digit. Written by digits.py.
 *
 * These are the 1797 images of the test part of: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten
 * Digits, UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, licensed under Creative Commons Attribution
 * 4.0 International (https://creativecommons.org/licenses/by/4.0/), as scikit-learn carries them. Changed: numbers are
 * written as letters. That licence holds for this file; the rest of Nepit has another.
 */
"""


def main():
    data = load_digits()
    with open(Path(__file__).parent / "digits.h", "w") as out:
        out.write(HEAD)
        out.write(f"static const char digits[{len(data.target)}][66] = {{\n")
        for image, digit in zip(data.data.astype(int), data.target):
            out.write('    "' + "".join(chr(65 + pixel) for pixel in image) + f'{digit}",\n')
        out.write("};\n")


if __name__ == "__main__":
    main()
