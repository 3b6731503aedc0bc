// One token: how far two rows of logits are apart.

internal import CSystem
internal import NepitMath

/// Writes the token's values, and after them how many of the `top` most likely tokens both rows share. A label below 0
/// is none. Where a row is no distribution everything is NaN.
func compareLogits(_ rows: Rows, label: Int, top: Int, into out: UnsafeMutablePointer<Double>) {
  let kept = min(top, rows.p.count)
  for index in upTo(LogitsValue.count) { out[index] = .nan }
  out[LogitsValue.count] = 0
  var tops = Tops(kept)
  let inFloats = rows.isCoarse ? LogitComparison(floats: rows, &tops) : nil
  if !rows.isCoarse { rows.forEachPiece { element, start, p, q, count in tops.rank(element, start, p, q, count) } }
  guard let base = tops.first.first, let test = tops.second.first,
    let found = inFloats ?? LogitComparison(doubles: rows, base.logit, test.logit)
  else { return }

  (out[0], out[1], out[2], out[3]) = (found.divergence, found.reverse, found.jensenShannon, found.totalVariation)
  out[LogitsValue.baseEntropy.rawValue] = found.baseEntropy
  out[LogitsValue.testEntropy.rawValue] = found.testEntropy
  let shared = tops.first.shared(with: tops.second)
  out[LogitsValue.sameTop.rawValue] = base.column == test.column ? 1 : 0
  out[LogitsValue.overlap.rawValue] = Double(shared) / Double(kept)
  out[LogitsValue.count] = Double(shared)
  guard label >= 0 else { return }

  let (x, y) = (rows.p.read(label), rows.q.read(label))
  let (u, v) = (lanes_pair(sumOf: x, and: -base.logit), lanes_pair(sumOf: y, and: -test.logit))
  let (baseLoss, testLoss) = ((found.logP - u.high) - u.low, (found.logQ - v.high) - v.low)
  out[LogitsValue.baseLoss.rawValue] = baseLoss
  out[LogitsValue.testLoss.rawValue] = testLoss
  // log p - log q, the logits' own difference first; infinite, or NaN, where a probability is 0.
  let d = lanes_pair(sumOf: x, and: -y) + found.shift
  let ratio = d.value + found.delta
  out[LogitsValue.logRatio.rawValue] = ratio - ratio == 0 ? ratio : testLoss - baseLoss
  out[LogitsValue.probabilityChange.rawValue] =
    abs(ratio) < 1 ? exp(-baseLoss) * expm1(-ratio) : exp(-testLoss) - exp(-baseLoss)
}

/// The most likely tokens of both rows.
private struct Tops {
  var first = lanes_top(), second = lanes_top()

  init(_ kept: Int) { (first.capacity, second.capacity) = (Int64(kept), Int64(kept)) }

  mutating func rank(
    _ element: lanes_element, _ start: Int, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int
  ) {
    rankLogits(element, p, count, start, &first)
    rankLogits(element, q, count, start, &second)
  }
}

/// How far two rows are apart.
private struct LogitComparison {
  /// log(q / p) is y - x - shift - delta.
  let shift: lanes_pair, delta: Double
  /// log of the sum of e^(x - M), M the greatest, and the same of the other row.
  let logP, logQ: Double
  let baseEntropy, testEntropy: Double
  let divergence, reverse, jensenShannon, totalVariation: Double

  /// In doubles, in two reads; nil if a row is no distribution.
  init?(doubles rows: Rows, _ base: Double, _ test: Double) {
    var pair = lanes_logit_pair()
    (pair.greatest_p, pair.greatest_q) = (base, test)
    pair.shift = lanes_pair(sumOf: test, and: -base)
    var sums = lanes_logit_sums()
    rows.forEachPiece { element, _, p, q, count in addLogits(element, p, q, count, &pair, &sums) }
    (pair.total_p, pair.total_q) = (sums.total(0), sums.total(2))
    guard pair.total_p == pair.total_p else { return nil }
    (logP, logQ) = (log1p(sums.total(0, less: 1)), log1p(sums.total(2, less: 1)))
    baseEntropy = max(logP - sums.total(1) / pair.total_p, 0)
    testEntropy = max(logQ - sums.total(3) / pair.total_q, 0)
    // An error in it counts by its square: the terms' sum is least where it is right.
    pair.delta = logQ - logP
    (shift, delta) = (pair.shift, pair.delta)

    sums = lanes_logit_sums()
    rows.forEachPiece { element, _, p, q, count in addLogitTerms(element, p, q, count, &pair, &sums) }
    (divergence, reverse) = (max(sums.total(0), 0), max(sums.total(1), 0))
    (jensenShannon, totalVariation) = (max(sums.total(2), 0), max(sums.total(3), 0))
  }

  /// In floats, in two reads, of which the first ranks the tokens too; nil where floats will not do: infinities, large
  /// logits, rows whose difference is all but the same everywhere and far from that of the greatest.
  init?(floats rows: Rows, _ tops: inout Tops) {
    var totals = FloatTotals(rows)
    rows.forEachPiece { _, start, p, q, count in
      tops.rank(.float, start, p, q, count)
      totals.add(tops, start, p.assumingMemoryBound(to: Float.self), q.assumingMemoryBound(to: Float.self), count)
    }
    guard totals.isGood else { return nil }
    // The greatest come last: where a row is all but certain, the others' share keeps its own accuracy.
    let base = totals.token(totals.base), test = totals.token(totals.test)
    let isSame = totals.base.column == totals.test.column
    let others = totals.sums
    let otherP = others.p + (isSame ? 0 : test.p), otherQ = others.q + (isSame ? 0 : base.q)
    let totalP = base.p + otherP, totalQ = test.q + otherQ
    (logP, logQ) = (log1p(otherP / base.p), log1p(otherQ / test.q))
    baseEntropy = max(logP - (others.spreadP + (isSame ? 0 : test.spreadP)) / totalP, 0)
    testEntropy = max(logQ - (others.spreadQ + (isSame ? 0 : base.spreadQ)) / totalQ, 0)
    let share = (others.difference + base.difference + (isSame ? 0 : test.difference)) / totalP
    delta = abs(share) < 0.5 ? log1p(share) : log(totalQ / totalP)
    shift = lanes_pair(totals.shift)
    // Where one outcome has all but everything, the others' terms may have been too small for floats.
    guard min(otherP / base.p, otherQ / test.q) > 0x1p-60, abs(delta) < 60, baseEntropy - baseEntropy == 0,
      testEntropy - testEntropy == 0
    else { return nil }

    totals.shift(by: delta)
    var lanes = lanes_logit_lanes()
    rows.forEachPiece { _, _, p, q, count in
      addFloatLogitTerms(
        p.assumingMemoryBound(to: Float.self), q.assumingMemoryBound(to: Float.self), count, &totals.units, &lanes)
    }
    (divergence, reverse) = (lanes.total(0) / totalP, lanes.total(1) / totalP)
    (jensenShannon, totalVariation) = (lanes.total(2) / totalP, min(0.5 * lanes.total(3) / totalP, 1))
    // The error of delta is relative to it.
    guard abs(delta) <= 16 * totalVariation, divergence < .infinity, reverse < .infinity else { return nil }
  }
}

/// What the first read of two rows of floats adds up, over all tokens but the likeliest of both. A term p is
/// e^x / 2^exponent, and q is e^(y - shift) / 2^exponent, where shift is about what all y - x have in common.
private struct FloatTotals {
  private let rows: Rows
  private(set) var sums = Sums()
  /// The likeliest tokens so far.
  private(set) var base = Token(), test = Token()
  private(set) var shift = 0.0
  var units = lanes_logit_units()
  /// Whether floats hold all this.
  private(set) var isGood = true

  struct Token { var column = -1, x = 0.0, y = 0.0 }

  /// Of p, q - p, q, p (x - M) and q (y - N), M and N the greatest.
  struct Sums {
    var p = 0.0, difference = 0.0, q = 0.0, spreadP = 0.0, spreadQ = 0.0

    mutating func add(_ other: Sums) {
      p += other.p
      difference += other.difference
      q += other.q
      spreadP += other.spreadP
      spreadQ += other.spreadQ
    }
  }

  init(_ rows: Rows) { self.rows = rows }

  /// What a single token adds.
  func token(_ token: Token) -> Sums {
    var sums = Sums()
    let r = (lanes_pair(sumOf: token.y, and: -token.x) + lanes_pair(-shift)).value
    sums.p = exp((token.x - units.exponent_p * ln2High) - units.exponent_p * ln2Low)
    sums.difference = sums.p * expm1(r)
    sums.q = abs(r) < 1 ? sums.p + sums.difference : sums.p * exp(r)
    sums.spreadP = sums.p * (token.x - units.greatest_p)
    sums.spreadQ = sums.q * (token.y - units.greatest_q)
    return sums
  }

  /// Adds the next tokens; the tops have them already.
  mutating func add(
    _ tops: borrowing Tops, _ start: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int
  ) {
    guard isGood else { return }
    guard let first = tops.first.first, let second = tops.second.first else {
      isGood = false
      return
    }
    if first.column != base.column || second.column != test.column { move(first, second) }
    guard isGood else { return }
    var lanes = lanes_logit_lanes()
    addFloatLogits(
      x, y, count, base.column >= start ? base.column &- start : -1,
      test.column >= start ? test.column &- start : -1, &units, &lanes)
    sums.add(
      Sums(
        p: lanes.total(0), difference: lanes.total(1), q: lanes.total(2), spreadP: lanes.total(3),
        spreadQ: lanes.total(4)))
  }

  /// The likeliest have changed: what they were is one of the others now, and the units are new.
  private mutating func move(_ first: (logit: Double, column: Int), _ second: (logit: Double, column: Int)) {
    let (oldBase, oldTest) = (base, test)
    base = Token(column: first.column, x: first.logit, y: rows.q.read(first.column))
    test = Token(column: second.column, x: rows.p.read(second.column), y: second.logit)
    let old = units
    (units.greatest_p, units.greatest_q) = (first.logit, second.logit)
    units.exponent_p = roundedToPowers(first.logit)
    guard abs(first.logit) <= 4096, abs(second.logit) <= 4096 else {
      isGood = false
      return
    }
    if oldBase.column < 0 {
      units.shift = pairOfFloats(lanes_pair(sumOf: second.logit, and: -first.logit))
      shift = units.shift.value
    } else {
      let scale = powerOfTwo(old.exponent_p - units.exponent_p)
      sums.p *= scale
      sums.difference *= scale
      sums.q *= scale
      sums.spreadP = sums.spreadP * scale + sums.p * (old.greatest_p - units.greatest_p)
      sums.spreadQ = sums.spreadQ * scale + sums.q * (old.greatest_q - units.greatest_q)
    }
    units.exponent_q = units.exponent_p + roundedToPowers(shift)
    units.factor = factor(shift)
    isGood = abs(second.logit * 0x1.71547652b82fep+0 - units.exponent_q) < 60
    guard oldBase.column >= 0 else { return }
    if oldBase.column != base.column, oldBase.column != test.column { sums.add(token(oldBase)) }
    guard oldTest.column != oldBase.column else { return }
    if oldTest.column != base.column, oldTest.column != test.column { sums.add(token(oldTest)) }
  }

  /// From here on, r is y - x less `delta` besides.
  mutating func shift(by delta: Double) {
    units.shift = pairOfFloats(lanes_pair(sumOf: shift, and: delta))
    units.factor = factor(shift + delta)
  }

  /// 2^(exponent_q - exponent_p) e^-shift.
  private func factor(_ shift: Double) -> Double {
    let powers = units.exponent_q - units.exponent_p
    return exp((powers * ln2High - shift) + powers * ln2Low)
  }

  /// x / log 2, rounded to a whole number.
  private func roundedToPowers(_ x: Double) -> Double { (x * 0x1.71547652b82fep+0 + 0x1.8p52) - 0x1.8p52 }

  private func powerOfTwo(_ exponent: Double) -> Double {
    Double(bitPattern: ((max(exponent, -1022) + 1023) + 0x1p52).bitPattern &<< 52)
  }

  private func pairOfFloats(_ x: lanes_pair) -> lanes_pair {
    let high = Double(Float(x.high))
    return lanes_pair(high: high, low: Double(Float((x.high - high) + x.low)))
  }

  private var ln2High: Double { 0x1.62e42fefa38p-1 }
  private var ln2Low: Double { 0x1.ef35793c76730p-45 }
}

extension lanes_logit_lanes {
  /// The sum of all lanes.
  fileprivate func total(_ index: Int) -> Double {
    withUnsafeBytes(of: self) { bytes in
      let words = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Double.self) + 8 &* index
      return ((words[0] + words[4]) + (words[1] + words[5])) + ((words[2] + words[6]) + (words[3] + words[7]))
    }
  }
}

/// How many elements of two rows are handed to the kernels at a time.
let pairLength = 2048

extension Rows {
  /// Hands both rows over in pieces of the same length, as adjacent floats or doubles.
  @inline(__always)
  func forEachPiece(
    _ body: (_ element: lanes_element, _ start: Int, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int) -> Void
  ) {
    let element: lanes_element = isCoarse ? .float : .double
    // (Pieces' memory would be cleared for nothing.)
    if p.isNative(element), q.isNative(element) {
      var start = 0
      while start < p.count {
        let length = min(pairLength, p.count &- start)
        body(element, start, p.pointer(start), q.pointer(start), length)
        start &+= length
      }
    } else {
      forEachCopiedPiece(element, body)
    }
  }

  private func forEachCopiedPiece(
    _ element: lanes_element,
    _ body: (_ element: lanes_element, _ start: Int, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int) -> Void
  ) {
    var pieces = logit_pieces()
    withUnsafeMutableBytes(of: &pieces) { pieces in
      let buffer = pieces.baseAddress.unsafelyUnwrapped, other = buffer + pairLength &* 8
      var start = 0
      while start < p.count {
        let length = min(pairLength, p.count &- start)
        if element == .float {
          body(
            element, start, LogitRow(p).chunk(from: start, count: length, buffer),
            LogitRow(q).chunk(from: start, count: length, other), length)
        } else {
          body(
            element, start, p.piece(from: start, count: length, as: element, buffer),
            q.piece(from: start, count: length, as: element, other), length)
        }
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
  func total(_ index: Int, less: Double = 0) -> Double {
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
