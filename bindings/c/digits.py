"""Writes digits.h, the data of softmax_regression.c, from the copy that scikit-learn carries.

    pip install scikit-learn
    python bindings/c/digits.py
"""

from pathlib import Path

from sklearn.datasets import load_digits

HEAD = """/*
 * Handwritten digits, 8 by 8 pixels: a line each, pixels from A (0) to Q (16), then the digit. From the test part of
 * "Optical recognition of handwritten digits", Alpaydin and Kaynak (1998), UCI machine learning repository, CC BY 4.0.
 * Written by digits.py.
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
