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
    if let out, out.rows != logits.rows || out.columns != logits.columns { throw .shape }
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
