internal import CSystem
internal import NepitMath

/// The Rényi entropy of order `order`, at least 0: 0 gives Hartley's, 1 Shannon's, 2 the collision entropy, infinity the
/// min-entropy.
///
/// - Returns: A value in `0 ... log(weights.count)`. Relative error at most 2^-44, also for an order near 1.
public func renyiEntropy(
  of weights: borrowing Span<Double>, order: Double, in unit: InformationUnit = .nepits
) throws(CallError) -> Double {
  scalar(try RenyiEntropy(order: order, unit: unit), weights)
}

/// The Tsallis entropy of order `order`, at least 0. It has no unit; at order 1 it is Shannon's in nepits.
public func tsallisEntropy(of weights: borrowing Span<Double>, order: Double) throws(CallError) -> Double {
  scalar(try TsallisEntropy(order: order), weights)
}

/// The Hill number of order `order`, at least 0: the effective number of outcomes.
public func hillNumber(of weights: borrowing Span<Double>, order: Double) throws(CallError) -> Double {
  scalar(try HillNumber(order: order), weights)
}

/// The perplexity: the exponential of the entropy in nepits, the Hill number of order 1.
public func perplexity(of weights: borrowing Span<Double>) -> Double {
  scalar(HillNumber.perplexity, weights)
}

/// The Rényi entropy of each row.
public func renyiEntropies(
  of weights: Matrix, order: Double, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  running execution: Execution
) throws(CallError) {
  try RenyiEntropy(order: order, unit: unit).evaluate(weights, execution, into: out)
}

/// The Rényi entropy of each row and its gradient by the weights.
public func renyiEntropyGradients(
  of weights: Matrix, order: Double, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  _ gradient: MutableMatrix?, running execution: Execution
) throws(CallError) {
  try RenyiEntropy(order: order, unit: unit).differentiate(weights, weights, execution, into: out, gradient, nil)
}

/// The Tsallis entropy of each row.
public func tsallisEntropies(
  of weights: Matrix, order: Double, into out: UnsafeMutablePointer<Double>?, running execution: Execution
) throws(CallError) {
  try TsallisEntropy(order: order).evaluate(weights, execution, into: out)
}

/// The Hill number of each row.
public func hillNumbers(
  of weights: Matrix, order: Double, into out: UnsafeMutablePointer<Double>?, running execution: Execution
) throws(CallError) {
  try HillNumber(order: order).evaluate(weights, execution, into: out)
}

/// Σ p^α of a row of good weights, for a finite order other than 0 and 1.
private struct PowerSum {
  /// (Σ p^α - 1) / (1 - α): the Tsallis entropy.
  let change: Double
  /// log Σ p^α / (1 - α): the Rényi entropy.
  let logarithm: Double
  /// Σ (p / greatest)^α.
  let relative: Double

  init(_ rows: Rows, _ weighed: Weighed, order: Double) {
    let surprisal = Surprisal(rows, p: weighed, q: weighed).parameters
    let isDominated = weighed.greatest > surprisal.threshold
    let total = weighed.total.logarithm, greatest = preciseLog(weighed.greatest)
    var parameters = lanes_parameters()
    (parameters.scale_p, parameters.threshold, parameters.order) = (weighed.scale, surprisal.threshold, order)
    (parameters.total_q, parameters.value) = (total, 1 / weighed.total.high)
    // Divided while the terms are added, or tiny ones would be denormal on the way.
    let slack = 1 - order
    parameters.factor = 1 / slack
    // Powers relative to the greatest: for a large order the others would all be 0.
    parameters.greatest = greatest
    let sums = rows.sum(.renyi, parameters)
    var change = sums.a.value
    if isDominated {
      let x = -slack * surprisal.value_q
      change += exp(surprisal.value_q) * (abs(x) < 0x1p-60 ? -surprisal.value_q : expm1(x) / slack)
    }
    relative = sums.b.high
    self.change = max(0, change)
    // log p of the greatest, by its complement if it is more than half.
    let top = isDominated ? surprisal.value_q : (greatest.high - total.high) + (greatest.low - total.low)
    let sum = slack * change
    logarithm =
      abs(sum) < 0x1p-60
      ? self.change
      : max(0, abs(sum) < 0.5 ? log1p(sum) / slack : top * (order / slack) + log(sums.b.high) / slack)
  }
}

struct RenyiEntropy: DifferentiableMeasure {
  let order: Double
  let unit: InformationUnit

  init(order: Double, unit: InformationUnit) throws(CallError) {
    guard order >= 0 else { throw .parameter }
    (self.order, self.unit) = (order, unit)
  }

  func value(_ rows: Rows) -> Double { unit.convert(nepits(rows)) }

  func nepits(_ rows: Rows) -> Double {
    if order == 1 { return Entropy(unit: .nepits).value(rows) }
    guard let weighed = Weighed(rows) else { return .nan }
    if weighed.support == 1 { return 0 }
    if order == 0 { return log(weighed.support) }
    if order == .infinity {
      let surprisal = Surprisal(rows, p: weighed, q: weighed).parameters
      return weighed.greatest > surprisal.threshold
        ? -surprisal.value_q : weighed.total.logarithm.value - log(weighed.greatest)
    }
    return PowerSum(rows, weighed, order: order).logarithm
  }

  func differentiate(_ rows: Rows, _ first: MutableRow?, _ second: MutableRow?) -> Double {
    if order == 1 { return Entropy(unit: unit).differentiate(rows, first, second) }
    guard let weighed = Weighed(rows) else {
      first?.fill(.nan)
      return .nan
    }
    let value = nepits(rows)
    if let first {
      var parameters = Surprisal(rows, p: weighed, q: weighed).parameters
      (parameters.total_p, parameters.total_q) = (weighed.total, weighed.total.logarithm)
      (parameters.value, parameters.factor, parameters.order) = (value, unit.nepits, order)
      if order == .infinity {
        var ties = 0.0
        for index in upTo(rows.p.count) where rows.p.read(index) * weighed.scale == weighed.greatest { ties += 1 }
        parameters.value = ties * (weighed.greatest / weighed.total.high)
        parameters.threshold = weighed.greatest
        rows.map(.min_entropy_gradient, parameters, to: first)
      } else {
        if order > 2 {
          parameters.greatest = preciseLog(weighed.greatest)
          parameters.weight = PowerSum(rows, weighed, order: order).relative
        }
        rows.map(.renyi_entropy_gradient, parameters, to: first)
      }
    }
    return unit.convert(value)
  }
}

struct TsallisEntropy: Measure {
  let order: Double

  init(order: Double) throws(CallError) {
    guard order >= 0 else { throw .parameter }
    self.order = order
  }

  func value(_ rows: Rows) -> Double {
    if order == 1 { return Entropy(unit: .nepits).value(rows) }
    guard let weighed = Weighed(rows) else { return .nan }
    if weighed.support == 1 || order == .infinity { return 0 }
    return order == 0 ? weighed.support - 1 : PowerSum(rows, weighed, order: order).change
  }
}

struct HillNumber: Measure {
  let order: Double

  init(order: Double) throws(CallError) {
    guard order >= 0 else { throw .parameter }
    self.order = order
  }

  private init(_ order: Double) { self.order = order }

  static var perplexity: HillNumber { HillNumber(1) }

  func value(_ rows: Rows) -> Double {
    if order == 0 { return Weighed(rows)?.support ?? .nan }
    guard let entropy = try? RenyiEntropy(order: order, unit: .nepits) else { return .nan }
    return exp(entropy.nepits(rows))
  }
}
