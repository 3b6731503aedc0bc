// One token: how far two rows of logits are apart.

internal import CSystem
internal import NepitMath

/// Writes the token's values, and after them how many of the `top` most likely tokens both rows share. A label below 0
/// is none. Where a row is no distribution everything is NaN.
func compareLogits(_ rows: Rows, label: Int, top: Int, into out: UnsafeMutablePointer<Double>) {
  let kept = min(top, rows.p.count)
  for index in upTo(LogitsValue.count) { out[index] = .nan }
  out[LogitsValue.count] = 0
  var (first, second) = (lanes_top(), lanes_top())
  (first.capacity, second.capacity) = (Int64(kept), Int64(kept))
  rows.forEachPiece { element, start, p, q, count in
    rankLogits(element, p, count, start, &first)
    rankLogits(element, q, count, start, &second)
  }
  guard let base = first.first, let test = second.first else { return }
  var pair = lanes_logit_pair()
  (pair.greatest_p, pair.greatest_q) = (base.logit, test.logit)
  pair.shift = lanes_pair(sumOf: test.logit, and: -base.logit)

  var sums = lanes_logit_sums()
  rows.forEachPiece { element, _, p, q, count in addLogits(element, p, q, count, &pair, &sums) }
  (pair.total_p, pair.total_q) = (sums.total(0), sums.total(2))
  guard pair.total_p == pair.total_p else { return }
  let means = (sums.total(1) / pair.total_p, sums.total(3) / pair.total_q)
  let (logP, logQ) = (log1p(sums.total(0, less: 1)), log1p(sums.total(2, less: 1)))
  // An error in it counts by its square: the terms' sum is least where it is right.
  pair.delta = logQ - logP

  sums = lanes_logit_sums()
  rows.forEachPiece { element, _, p, q, count in addLogitTerms(element, p, q, count, &pair, &sums) }
  for index in upTo(4) { out[index] = max(sums.total(index), 0) }
  out[LogitsValue.baseEntropy.rawValue] = max(logP - means.0, 0)
  out[LogitsValue.testEntropy.rawValue] = max(logQ - means.1, 0)
  let shared = first.shared(with: second)
  out[LogitsValue.sameTop.rawValue] = base.column == test.column ? 1 : 0
  out[LogitsValue.overlap.rawValue] = Double(shared) / Double(kept)
  out[LogitsValue.count] = Double(shared)
  guard label >= 0 else { return }

  let (x, y) = (rows.p.read(label), rows.q.read(label))
  let (u, v) = (lanes_pair(sumOf: x, and: -base.logit), lanes_pair(sumOf: y, and: -test.logit))
  let (baseLoss, testLoss) = ((logP - u.high) - u.low, (logQ - v.high) - v.low)
  out[LogitsValue.baseLoss.rawValue] = baseLoss
  out[LogitsValue.testLoss.rawValue] = testLoss
  // log p - log q, the logits' own difference first; infinite, or NaN, where a probability is 0.
  let d = lanes_pair(sumOf: x, and: -y) + pair.shift
  let ratio = d.value + pair.delta
  out[LogitsValue.logRatio.rawValue] = ratio - ratio == 0 ? ratio : testLoss - baseLoss
  out[LogitsValue.probabilityChange.rawValue] =
    abs(ratio) < 1 ? exp(-baseLoss) * expm1(-ratio) : exp(-testLoss) - exp(-baseLoss)
}

extension Rows {
  /// Hands both rows over in pieces of the same length, as adjacent floats or doubles.
  @inline(__always)
  fileprivate func forEachPiece(
    _ body: (_ element: lanes_element, _ start: Int, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int) -> Void
  ) {
    let element: lanes_element = isCoarse ? .float : .double
    var pieces = logit_pieces()
    withUnsafeMutableBytes(of: &pieces) { pieces in
      let buffer = pieces.baseAddress.unsafelyUnwrapped, half = 2048
      var start = 0
      while start < p.count {
        let length = min(half, p.count &- start)
        body(
          element, start, p.piece(from: start, count: length, as: element, buffer),
          q.piece(from: start, count: length, as: element, buffer + half &* 8), length)
        start &+= length
      }
    }
  }
}

extension lanes_top {
  /// The greatest and its column; nil if it is no finite number.
  fileprivate var first: (logit: Double, column: Int)? {
    let logit = values.0
    return filled > 0 && logit - logit == 0 ? (logit, Int(columns.0)) : nil
  }

  /// How many columns both have.
  fileprivate func shared(with other: lanes_top) -> Int {
    var count = 0
    withUnsafeBytes(of: columns) { mine in
      withUnsafeBytes(of: other.columns) { others in
        for i in upTo(Int(filled)) {
          for j in upTo(Int(other.filled)) where mine.load(fromByteOffset: i &* 8, as: Int64.self)
            == others.load(fromByteOffset: j &* 8, as: Int64.self)
          {
            count &+= 1
          }
        }
      }
    }
    return count
  }
}

extension lanes_logit_sums {
  /// The sum of all lanes in two words, less a number.
  fileprivate func total(_ index: Int, less: Double = 0) -> Double {
    withUnsafeBytes(of: self) { words in
      var sum = lanes_pair(-less)
      for lane in upTo(8) {
        sum =
          sum
          + lanes_pair(
            high: words.load(fromByteOffset: (16 &* index &+ lane) &* 8, as: Double.self),
            low: words.load(fromByteOffset: (16 &* index &+ 8 &+ lane) &* 8, as: Double.self))
      }
      return sum.value
    }
  }
}
