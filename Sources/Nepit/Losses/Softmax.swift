internal import CSystem
internal import NepitMath

/// log of the sum of e^(x_j / T) of each row, and its gradient, which is softmax(x / T) / T.
public func logSumExps(
  of logits: Matrix, temperature: Double, into out: UnsafeMutablePointer<Double>?, _ gradient: MutableMatrix?,
  running execution: Execution
) throws(CallError) {
  try SoftmaxRows(logits, temperature, .logSum, out, gradient).run(execution)
}

/// The softmax of each row of x / T.
public func softmaxes(
  of logits: Matrix, temperature: Double, into out: MutableMatrix, running execution: Execution
) throws(CallError) {
  try SoftmaxRows(logits, temperature, .probabilities, nil, out).run(execution)
}

/// The logarithm of the softmax of each row of x / T.
public func logSoftmaxes(
  of logits: Matrix, temperature: Double, into out: MutableMatrix, running execution: Execution
) throws(CallError) {
  try SoftmaxRows(logits, temperature, .logarithms, nil, out).run(execution)
}

/// The gradient by the logits of what has the gradient `upstream` by their softmax.
public func softmaxVJPs(
  of logits: Matrix, times upstream: Matrix, temperature: Double, into gradient: MutableMatrix,
  running execution: Execution
) throws(CallError) {
  try SoftmaxVJPRows(logits, upstream, temperature, isLogarithm: false, gradient).run(execution)
}

/// The gradient by the logits of what has the gradient `upstream` by the logarithm of their softmax.
public func logSoftmaxVJPs(
  of logits: Matrix, times upstream: Matrix, temperature: Double, into gradient: MutableMatrix,
  running execution: Execution
) throws(CallError) {
  try SoftmaxVJPRows(logits, upstream, temperature, isLogarithm: true, gradient).run(execution)
}

private struct SoftmaxVJPRows: RowBlockTask {
  let logits, upstream: Matrix
  let temperature: Double
  let isLogarithm: Bool
  let gradient: MutableMatrix

  init(
    _ logits: Matrix, _ upstream: Matrix, _ temperature: Double, isLogarithm: Bool, _ gradient: MutableMatrix
  ) throws(CallError) {
    guard temperature > 0, temperature < .infinity else { throw .parameter }
    guard upstream.rows == logits.rows, upstream.columns == logits.columns, gradient.hasExtent(of: logits) else {
      throw .shape
    }
    (self.logits, self.upstream, self.temperature) = (logits, upstream, temperature)
    (self.isLogarithm, self.gradient) = (isLogarithm, gradient)
  }

  func run(_ execution: Execution) throws(CallError) {
    try forEachBlock(
      RowBlocks(rows: logits.rows, columns: logits.columns), columns: logits.columns, execution, self)
  }

  func run(_ block: Int, _ range: Range<Int>) {
    for index in upTo(range) {
      let upstream = upstream.row(index), gradient = gradient.row(index)
      let row = LogitRow(logits.row(index), temperature: temperature, isFine: !upstream.type.isCoarse)
      let statistics = row.statistics()
      if statistics.isBad {
        gradient.fill(.nan)
        continue
      }
      // All is relative to the greatest logit's: p_k (v_k - sum p_j v_j) = p_k ((v_k - v_m) - sum p_j (v_j - v_m)).
      let numbers = RowNumbers(upstream), own = numbers[statistics.place]
      let p = 1 / (1 + statistics.others)
      var weighting = row.weighting(statistics)
      weighting.reference = own
      let sums = row.weightedSums(.upstream, numbers, statistics, weighting)
      let others = sums.total(0), mean = sums.total(1) * p
      if isLogarithm {
        (weighting.factor, weighting.rest) = (-(others + own) * p / temperature, 1 / temperature)
        row.writeWeighted(weighting, numbers, to: gradient)
        // v_m (1 - p_m), where 1 - p_m is the sum of the other probabilities.
        gradient.write((own * statistics.others - others) * p / temperature, at: statistics.place)
      } else {
        (weighting.factor, weighting.slope) = (-mean * p / temperature, p / temperature)
        row.writeWeighted(weighting, numbers, to: gradient)
      }
    }
  }
}

private struct SoftmaxRows: RowBlockTask {
  enum Kind: Int32 { case logSum, probabilities, logarithms }

  let logits: Matrix
  let temperature: Double
  let kind: Kind
  let sums: UnsafeMutablePointer<Double>?
  let out: MutableMatrix?

  init(
    _ logits: Matrix, _ temperature: Double, _ kind: Kind, _ sums: UnsafeMutablePointer<Double>?, _ out: MutableMatrix?
  ) throws(CallError) {
    guard temperature > 0, temperature < .infinity else { throw .parameter }
    guard out?.hasExtent(of: logits) != false else { throw .shape }
    (self.logits, self.temperature, self.kind) = (logits, temperature, kind)
    (self.sums, self.out) = (sums, out)
  }

  func run(_ execution: Execution) throws(CallError) {
    try forEachBlock(
      RowBlocks(rows: logits.rows, columns: logits.columns), columns: logits.columns, execution, self)
  }

  func run(_ block: Int, _ range: Range<Int>) {
    for index in upTo(range) {
      let row = LogitRow(logits.row(index), temperature: temperature), out = out?.row(index)
      let statistics = row.statistics()
      if statistics.isBad {
        sums?[index] = .nan
        out?.fill(.nan)
        continue
      }
      sums?[index] = statistics.greatest / temperature + statistics.logTerms + 0
      guard let out else { continue }
      switch kind {
      case .logSum: row.writeTerms(statistics, factor: 1 / temperature, to: out)
      case .probabilities: row.writeTerms(statistics, factor: 1, to: out)
      case .logarithms: row.writeLogProbabilities(statistics, to: out)
      }
    }
  }
}
