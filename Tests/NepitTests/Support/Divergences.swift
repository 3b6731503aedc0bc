// The measures, as the Swift API has them, for tests that hold for all of them.

import Nepit
import Testing

/// A divergence, and what is known of it.
struct Divergence: Sendable, CustomTestStringConvertible {
  let name: String
  /// The greatest relative error that nepit.h allows.
  let bound: Double
  var isSymmetric = false
  /// Whether it is the square root of one: the range in which bounds hold is that one's.
  var isRoot = false
  let value: @Sendable ([Double], [Double]) -> Double

  var testDescription: String { name }

  /// What two values may differ by, relatively, if both are to be the same number.
  func tolerance(_ value: Double) -> Double {
    2 * ((isRoot ? value * value : value) < 1e-30 ? 0x1p-30 : bound)
  }

  static let all: [Divergence] = [
    Divergence(name: "Kullback-Leibler", bound: 0x1p-48) { klDivergence(of: $0.span, from: $1.span) },
    Divergence(name: "Jeffreys", bound: 0x1p-48, isSymmetric: true) {
      jeffreysDivergence($0.span, $1.span, in: .bits)
    },
    Divergence(name: "Jensen-Shannon", bound: 0x1p-48, isSymmetric: true) {
      try! jensenShannonDivergence($0.span, $1.span)
    },
    Divergence(name: "Jensen-Shannon of weight 0.3", bound: 0x1p-48) {
      try! jensenShannonDivergence($0.span, $1.span, weight: 0.3)
    },
    Divergence(name: "Jensen-Shannon distance", bound: 0x1p-48, isSymmetric: true, isRoot: true) {
      try! jensenShannonDistance($0.span, $1.span, in: .bits)
    },
    Divergence(name: "Rényi 0.5", bound: 0x1p-44, isSymmetric: true) {
      try! renyiDivergence(of: $0.span, from: $1.span, order: 0.5)
    },
    Divergence(name: "Rényi 0.99", bound: 0x1p-44) { try! renyiDivergence(of: $0.span, from: $1.span, order: 0.99) },
    Divergence(name: "Rényi 3", bound: 0x1p-44) { try! renyiDivergence(of: $0.span, from: $1.span, order: 3) },
    Divergence(name: "Rényi of infinite order", bound: 0x1p-44) {
      try! renyiDivergence(of: $0.span, from: $1.span, order: .infinity)
    },
    Divergence(name: "Tsallis 0.5", bound: 0x1p-44, isSymmetric: true) {
      try! tsallisDivergence(of: $0.span, from: $1.span, order: 0.5)
    },
    Divergence(name: "Tsallis 1.5", bound: 0x1p-44) { try! tsallisDivergence(of: $0.span, from: $1.span, order: 1.5) },
    Divergence(name: "alpha 0", bound: 0x1p-44, isSymmetric: true) {
      try! alphaDivergence($0.span, $1.span, alpha: 0)
    },
    Divergence(name: "alpha -2", bound: 0x1p-44) { try! alphaDivergence($0.span, $1.span, alpha: -2) },
    Divergence(name: "alpha 0.9", bound: 0x1p-44) { try! alphaDivergence($0.span, $1.span, alpha: 0.9) },
    Divergence(name: "Hellinger", bound: 0x1p-48, isSymmetric: true, isRoot: true) {
      hellingerDistance($0.span, $1.span)
    },
    Divergence(name: "squared Hellinger", bound: 0x1p-48, isSymmetric: true) {
      squaredHellingerDistance($0.span, $1.span)
    },
    Divergence(name: "Bhattacharyya", bound: 0x1p-47, isSymmetric: true) { bhattacharyyaDistance($0.span, $1.span) },
    Divergence(name: "Chernoff", bound: 0x1p-44, isSymmetric: true) {
      chernoffInformation($0.span, $1.span).information
    },
    Divergence(name: "total variation", bound: 0x1p-48, isSymmetric: true) { totalVariation($0.span, $1.span) },
    Divergence(name: "Pearson", bound: 0x1p-48) { pearsonChiSquared(of: $0.span, from: $1.span) },
    Divergence(name: "Neyman", bound: 0x1p-48) { neymanChiSquared(of: $0.span, from: $1.span) },
    Divergence(name: "stability index", bound: 0x1p-46, isSymmetric: true) {
      try! populationStabilityIndex($0.span, $1.span, floor: 0)
    },
  ]
}

/// An entropy, or a number of outcomes.
struct EntropyMeasure: Sendable, CustomTestStringConvertible {
  let name: String
  let bound: Double
  /// What n equally likely outcomes have.
  let uniform: @Sendable (Double) -> Double
  let value: @Sendable ([Double]) -> Double

  var testDescription: String { name }

  static let all: [EntropyMeasure] = [
    EntropyMeasure(name: "Shannon", bound: 0x1p-50, uniform: logarithm) { entropy(of: $0.span) },
    EntropyMeasure(name: "Rényi 0", bound: 0x1p-44, uniform: logarithm) { try! renyiEntropy(of: $0.span, order: 0) },
    EntropyMeasure(name: "Rényi 0.3", bound: 0x1p-44, uniform: logarithm) {
      try! renyiEntropy(of: $0.span, order: 0.3)
    },
    EntropyMeasure(name: "Rényi 4", bound: 0x1p-44, uniform: logarithm) { try! renyiEntropy(of: $0.span, order: 4) },
    EntropyMeasure(name: "min-entropy", bound: 0x1p-44, uniform: logarithm) {
      try! renyiEntropy(of: $0.span, order: .infinity)
    },
    EntropyMeasure(name: "Tsallis 0.5", bound: 0x1p-44, uniform: { 2 * ($0.squareRoot() - 1) }) {
      try! tsallisEntropy(of: $0.span, order: 0.5)
    },
    EntropyMeasure(name: "Tsallis 2", bound: 0x1p-44, uniform: { 1 - 1 / $0 }) {
      try! tsallisEntropy(of: $0.span, order: 2)
    },
    EntropyMeasure(name: "Hill 0.5", bound: 0x1p-44, uniform: { $0 }) { try! hillNumber(of: $0.span, order: 0.5) },
    EntropyMeasure(name: "Hill 3", bound: 0x1p-44, uniform: { $0 }) { try! hillNumber(of: $0.span, order: 3) },
    EntropyMeasure(name: "perplexity", bound: 0x1p-44, uniform: { $0 }) { perplexity(of: $0.span) },
  ]
}
