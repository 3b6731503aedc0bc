// Laws that hold for all divergences, or all entropies: one table of measures, and a test for each law.

import Foundation
import Nepit
import Testing

/// The edges of vectors, blocks, pieces and segments.
let edgeSizes = [
  1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 255, 256, 257, 511, 512, 513, 32767, 32768, 32769, 65537,
]

/// For random rows.
private let sizes = [2, 3, 5, 8, 17, 31, 64, 130, 257]

/// glibc's, which is within a unit of the last place.
@Sendable func logarithm(_ x: Double) -> Double { Foundation.log(x) }

/// Outcomes, and zeros that are put behind them: into the same vector, block or segment, or into others.
private let behind = [
  (2, [1, 7, 64]), (3, [5, 40]), (17, [14, 15, 47, 500]), (31, [1, 33, 128]), (64, [1, 64, 500]), (130, [62, 63]),
  (511, [1, 2, 7]), (32760, [8, 9]), (32768, [1]),
]

private func shown(_ rows: [Double]...) -> String {
  rows.map { row in row.count > 20 ? "\(row.count) numbers" : "\(row)" }.joined(separator: "\n  ")
}

@Suite("Laws of divergences")
struct DivergenceLawTests {
  @Test("at least 0, and never -0", arguments: Divergence.all)
  func neverNegative(_ measure: Divergence) {
    var random = Random("neverNegative")
    for size in sizes {
      for _ in 0..<20 {
        let p = random.weights(size)
        for q in [random.weights(size), random.nearly(p), random.nearly(p)] {
          let value = measure.value(p, q)
          check(value >= 0 && value.sign == .plus, "\(measure.name) is \(hex(value)) for \(shown(p, q))")
        }
      }
    }
  }

  @Test("exactly 0 for equal rows, also at another scale", arguments: Divergence.all)
  func zeroAtEquality(_ measure: Divergence) {
    var random = Random("zeroAtEquality")
    for size in sizes + [33000] {
      var p = random.weights(size)
      for index in p.indices where index > 0 && index % 5 == 0 { p[index] = 0 }
      for exponent in [0, 1, -900, Int.random(in: -900...900, using: &random)] {
        let value = measure.value(p, p.map { scalbn($0, exponent) })
        check(value.bitPattern == 0, "\(measure.name) is \(hex(value)) at 2^\(exponent) for \(shown(p))")
      }
    }
  }

  @Test("symmetric, where they are", arguments: Divergence.all.filter(\.isSymmetric))
  func symmetric(_ measure: Divergence) {
    var random = Random("symmetric")
    for size in sizes {
      for _ in 0..<10 {
        let p = random.weights(size)
        for q in [random.weights(size), random.nearly(p)] {
          let (a, b) = (measure.value(p, q), measure.value(q, p))
          check(
            relativeError(a, b) <= measure.tolerance(b), "\(measure.name): \(hex(a)), \(hex(b)) for \(shown(p, q))")
        }
      }
    }
  }

  @Test("the same in any order of the outcomes", arguments: Divergence.all)
  func orderFree(_ measure: Divergence) {
    var random = Random("orderFree")
    for size in sizes + [33000] {
      let p = random.weights(size), q = random.weights(size)
      let order = Array(0..<size).shuffled(using: &random)
      let (a, b) = (measure.value(order.map { p[$0] }, order.map { q[$0] }), measure.value(p, q))
      check(relativeError(a, b) <= measure.tolerance(b), "\(measure.name): \(hex(a)), \(hex(b)) for \(shown(p, q))")
    }
  }

  /// Zeros behind a row fill up vectors and blocks with terms of +0: no sum changes a bit. (Zeros elsewhere move the
  /// outcomes to other lanes: then values agree within their bounds.)
  @Test("zeros behind the outcomes change no bit", arguments: Divergence.all)
  func zerosBehind(_ measure: Divergence) {
    var random = Random("zerosBehind")
    for (size, extents) in behind {
      let p = random.weights(size)
      for q in size < 1000 ? [random.weights(size), random.nearly(p)] : [random.weights(size)] {
        let value = measure.value(p, q)
        for more in extents {
          let zeros = [Double](repeating: 0, count: more)
          let other = measure.value(p + zeros, q + zeros)
          check(haveSameBits([value], [other]), "\(measure.name): \(hex(value)), \(hex(other)), \(size) + \(more)")
          let moved = measure.value(zeros + p, zeros + q)
          check(
            relativeError(moved, value) <= measure.tolerance(value),
            "\(measure.name): \(hex(value)), \(hex(moved)) with \(more) zeros before \(shown(p, q))")
        }
      }
    }
  }

  @Test("no greater when outcomes are merged", arguments: Divergence.all)
  func merging(_ measure: Divergence) {
    var random = Random("merging")
    for size in sizes {
      for _ in 0..<10 {
        let p = random.counts(size), q = random.counts(size)
        let classes = Int.random(in: 1...size, using: &random)
        var mergedP = [Double](repeating: 0, count: classes), mergedQ = mergedP
        for index in 0..<size {
          let target = Int.random(in: 0..<classes, using: &random)
          mergedP[target] += p[index]
          mergedQ[target] += q[index]
        }
        let (a, b) = (measure.value(mergedP, mergedQ), measure.value(p, q))
        check(a <= b * (1 + measure.tolerance(b)), "\(measure.name): merged \(hex(a)), \(hex(b)) for \(shown(p, q))")
      }
    }
  }

  /// Outcomes cut into equal parts are the same outcomes: so rows of any size have values that seven outcomes tell, and
  /// an element that is forgotten or taken twice at an edge shows.
  @Test("the same when outcomes are cut in equal parts", arguments: Divergence.all)
  func cutting(_ measure: Divergence) {
    var random = Random("cutting")
    for size in edgeSizes {
      let classes = min(7, size)
      let p = random.counts(classes), q = random.counts(classes)
      let parts = (0..<size).map { $0 < classes ? $0 : Int.random(in: 0..<classes, using: &random) }
      var wholeP = [Double](repeating: 0, count: classes), wholeQ = wholeP
      for part in parts {
        wholeP[part] += p[part]
        wholeQ[part] += q[part]
      }
      let (a, b) = (measure.value(parts.map { p[$0] }, parts.map { q[$0] }), measure.value(wholeP, wholeQ))
      check(relativeError(a, b) <= measure.tolerance(b), "\(measure.name) of \(size): \(hex(a)), \(hex(b))")
    }
  }

  @Test("the same at any scale", arguments: Divergence.all)
  func scaling(_ measure: Divergence) {
    var random = Random("scaling")
    var worst = 0.0
    for size in sizes {
      for _ in 0..<10 {
        let p = random.weights(size), q = random.weights(size)
        let value = measure.value(p, q)
        let any = Int.random(in: -900...900, using: &random)
        for (i, j) in [(1, 0), (0, 1), (-900, 900), (-301, 0), (301, 301), (any, 0)] {
          let other = measure.value(p.map { scalbn($0, i) }, q.map { scalbn($0, j) })
          let error = relativeError(other, value)
          worst = max(worst, error)
          check(
            error <= min(0x1p-47, measure.tolerance(value)),
            "\(measure.name): \(hex(value)), \(hex(other)) at 2^\(i), 2^\(j) for \(shown(p, q))")
        }
      }
    }
    report("scaling      \(padded(measure.name, 28)) worst \(power(worst))")
  }

  @Test("in their ranges, and in each other's")
  func inequalities() {
    var random = Random("inequalities")
    let slack = 1 + 0x1p-40
    for size in sizes {
      for _ in 0..<30 {
        let p = random.weights(size), q = random.weights(size)
        let kl = klDivergence(of: p.span, from: q.span), back = klDivergence(of: q.span, from: p.span)
        let variation = totalVariation(p.span, q.span), hellinger = hellingerDistance(p.span, q.span)
        let shannon = try! jensenShannonDivergence(p.span, q.span)
        let coefficient = bhattacharyyaCoefficient(p.span, q.span)
        let bhattacharyya = bhattacharyyaDistance(p.span, q.span)
        let (chernoff, exponent) = chernoffInformation(p.span, q.span)
        let pearson = pearsonChiSquared(of: p.span, from: q.span)
        let cross = crossEntropy(of: p.span, relativeTo: q.span), own = entropy(of: p.span)
        for (law, holds) in [
          ("total variation in 0 ... 1", variation >= 0 && variation <= 1),
          ("Hellinger in 0 ... 1", hellinger >= 0 && hellinger <= 1),
          ("Bhattacharyya coefficient in 0 ... 1", coefficient >= 0 && coefficient <= 1),
          ("Jensen-Shannon at most log 2", shannon <= logarithm(2)),
          ("Jensen-Shannon at most log 2 of the total variation", shannon <= logarithm(2) * variation * slack),
          ("H² <= TV", hellinger * hellinger <= variation * slack),
          ("TV <= H sqrt(2 - H²)", variation <= hellinger * (2 - hellinger * hellinger).squareRoot() * slack),
          ("Pinsker", kl * slack >= 2 * variation * variation),
          ("D <= log(1 + χ²)", kl <= Foundation.log1p(pearson) * slack),
          ("Bhattacharyya <= Chernoff", bhattacharyya <= chernoff * slack),
          ("Chernoff <= D, both ways", chernoff <= kl * slack && chernoff <= back * slack),
          ("Chernoff's exponent in 0 ... 1", exponent >= 0 && exponent <= 1),
          ("H(p, q) >= H(p)", cross * slack >= own),
        ] {
          check(holds, "\(law), not for \(shown(p, q))")
        }
      }
    }
  }

  /// D of two halves together is D of their totals and the mean of D of each.
  @Test("the chain rule, at edges", arguments: edgeSizes)
  func chainRule(_ first: Int) {
    var random = Random("chainRule \(first)")
    let rest = first < 1000 ? 1031 - first : 257
    let p = (random.counts(first), random.counts(rest)), q = (random.counts(first), random.counts(rest))
    let totalP = [p.0.reduce(0, +), p.1.reduce(0, +)], totalQ = [q.0.reduce(0, +), q.1.reduce(0, +)]
    let share = totalP[0] / (totalP[0] + totalP[1])
    func mean(_ a: Double, _ b: Double) -> Double { share * a + (1 - share) * b }
    let all = (p.0 + p.1, q.0 + q.1)
    for (name, whole, parts) in [
      (
        "D", klDivergence(of: all.0.span, from: all.1.span),
        klDivergence(of: totalP.span, from: totalQ.span)
          + mean(klDivergence(of: p.0.span, from: q.0.span), klDivergence(of: p.1.span, from: q.1.span))
      ),
      (
        "H(p)", entropy(of: all.0.span),
        entropy(of: totalP.span) + mean(entropy(of: p.0.span), entropy(of: p.1.span))
      ),
      (
        "H(p, q)", crossEntropy(of: all.0.span, relativeTo: all.1.span),
        crossEntropy(of: totalP.span, relativeTo: totalQ.span)
          + mean(
            crossEntropy(of: p.0.span, relativeTo: q.0.span), crossEntropy(of: p.1.span, relativeTo: q.1.span))
      ),
    ] {
      check(relativeError(whole, parts) <= 0x1p-46, "\(name): \(hex(whole)), not \(hex(parts))")
    }
  }

  @Test("Rényi's grow with the order")
  func monotone() {
    var random = Random("monotone")
    for size in sizes {
      for _ in 0..<5 {
        let p = random.weights(size), q = random.weights(size)
        var orders = [0, 1e-6, 0.5, 1 - 1e-9, 1, 1 + 1e-9, 2, 7, 60, .infinity]
        for _ in 0..<4 { orders.append(4 * random.uniform()) }
        orders.sort()
        let divergences = orders.map { try! renyiDivergence(of: p.span, from: q.span, order: $0) }
        let entropies = orders.map { try! renyiEntropy(of: p.span, order: $0) }
        for index in 1..<orders.count {
          let pair = "orders \(orders[index - 1]), \(orders[index])"
          let (d0, d1) = (divergences[index - 1], divergences[index])
          check(d1 >= d0 * (1 - 0x1p-43), "divergence of \(pair): \(hex(d0)), \(hex(d1)) for \(shown(p, q))")
          let (h0, h1) = (entropies[index - 1], entropies[index])
          check(h1 <= h0 * (1 + 0x1p-43), "entropy of \(pair): \(hex(h0)), \(hex(h1)) for \(shown(p))")
        }
      }
    }
  }
}

@Suite("Laws of entropies")
struct EntropyLawTests {
  @Test("the same in any order of the outcomes and at any scale", arguments: EntropyMeasure.all)
  func orderAndScale(_ measure: EntropyMeasure) {
    var random = Random("orderAndScale")
    var worst = 0.0
    for size in sizes + [33000] {
      let p = random.weights(size), value = measure.value(p)
      let shuffled = measure.value(p.shuffled(using: &random))
      check(relativeError(shuffled, value) <= 2 * measure.bound, "\(measure.name): \(hex(value)), \(hex(shuffled))")
      for exponent in [-900, -301, -1, 1, 10, 301, 900] {
        let scaled = measure.value(p.map { scalbn($0, exponent) }), error = relativeError(scaled, value)
        worst = max(worst, error)
        check(
          error <= min(0x1p-47, 2 * measure.bound),
          "\(measure.name): \(hex(value)), \(hex(scaled)) at 2^\(exponent) for \(shown(p))")
      }
    }
    report("scaling      \(padded(measure.name, 28)) worst \(power(worst))")
  }

  /// As for divergences. Entropy and cross-entropy choose their way by whether there are 64 outcomes: that is where
  /// bits may change.
  @Test("zeros behind the outcomes change no bit", arguments: EntropyMeasure.all)
  func zerosBehind(_ measure: EntropyMeasure) {
    var random = Random("zerosBehind entropy")
    for (size, extents) in behind {
      let p = random.weights(size), value = measure.value(p)
      for more in extents {
        let other = measure.value(p + [Double](repeating: 0, count: more))
        if size >= 64 || size + more < 64 {
          check(haveSameBits([value], [other]), "\(measure.name): \(hex(value)), \(hex(other)), \(size) + \(more)")
        } else {
          check(relativeError(other, value) <= 2 * measure.bound, "\(measure.name): \(hex(value)), \(hex(other))")
        }
      }
    }
  }

  @Test("greatest for equal weights", arguments: EntropyMeasure.all)
  func uniform(_ measure: EntropyMeasure) {
    var random = Random("uniform")
    for size in edgeSizes {
      let most = measure.uniform(Double(size))
      // 3/8 is no power of two; the zeros between are no outcomes.
      var row: [Double] = []
      for _ in 0..<size { row += [0.375, 0] }
      for weights in size < 1000 ? [row, [Double](repeating: 0.375, count: size)] : [row] {
        let value = measure.value(weights)
        let error = relativeError(value, most)
        check(error <= measure.bound + 0x1p-51, "\(measure.name) of \(size): \(hex(value)), \(hex(most))")
      }
      let value = measure.value(random.weights(size))
      check(value <= most * (1 + 2 * measure.bound), "\(measure.name) of \(size): \(hex(value)) is above \(hex(most))")
    }
  }

  @Test("no greater when outcomes are merged", arguments: EntropyMeasure.all)
  func merging(_ measure: EntropyMeasure) {
    var random = Random("merging entropy")
    for size in sizes {
      for _ in 0..<10 {
        let p = random.counts(size), classes = Int.random(in: 1...size, using: &random)
        var merged = [Double](repeating: 0, count: classes)
        for weight in p { merged[Int.random(in: 0..<classes, using: &random)] += weight }
        let (a, b) = (measure.value(merged), measure.value(p))
        check(a <= b * (1 + 2 * measure.bound), "\(measure.name): merged \(hex(a)), \(hex(b)) for \(shown(p))")
      }
    }
  }
}

// MARK: - Gradients

/// Of functions of two rows whose value does not change when outcomes are cut in equal parts.
private let pairGradients: [(name: String, numbers: [String: Double], bound: Double)] = [
  ("kl_divergence", ["base": 2], 0x1p-46),
  ("jeffreys_divergence", ["base": 2.5], 0x1p-46),
  ("jensen_shannon_divergence", ["weight": 0.3, "base": 2], 0x1p-46),
  ("jensen_shannon_distance", ["weight": 0.5, "base": 2], 0x1p-46),
  ("hellinger_distance", [:], 0x1p-46),
  ("squared_hellinger_distance", [:], 0x1p-46),
  ("renyi_divergence", ["order": 1.7, "base": 2], 0x1p-42),
]

@Suite("Laws of gradients")
struct GradientLawTests {
  private func run(_ name: String, _ inputs: [String: [Double]], _ numbers: [String: Double]) -> [[Double]] {
    let call = Call(inputs.mapValues { Elements($0) }, numbers)
    let status = Export.named(name + "_gradient").run(call)
    check(status == 0, "\(name)_gradient: status \(status)")
    return call.outputs.map(call.values)
  }

  /// A sum in two words.
  private func sum(_ terms: [Double]) -> Double {
    var high = 0.0, low = 0.0
    for term in terms {
      let next = high + term
      low += abs(high) >= abs(term) ? (high - next) + term : (term - next) + high
      high = next
    }
    return high + low
  }

  /// The total of the weights does not matter: sum w g = 0.
  private func checkTotal(_ name: String, _ weights: [Double], _ gradient: [Double], _ bound: Double) {
    let terms = zip(weights, gradient).map(*)
    let total = sum(terms), size = sum(terms.map(abs))
    check(abs(total) <= 4 * bound * size, "\(name) of \(weights.count): sum w g = \(total) of \(size)")
  }

  @Test("at edges, as outcomes that are not cut have them", arguments: pairGradients.indices)
  func cutting(_ index: Int) {
    let (name, numbers, bound) = pairGradients[index]
    var random = Random("cutting gradients")
    for size in edgeSizes where size > 1 {
      let classes = min(7, size)
      let p = random.counts(classes), q = random.counts(classes)
      let parts = (0..<size).map { $0 < classes ? $0 : Int.random(in: 0..<classes, using: &random) }
      var wholeP = [Double](repeating: 0, count: classes), wholeQ = wholeP
      for part in parts {
        wholeP[part] += p[part]
        wholeQ[part] += q[part]
      }
      let rows = (parts.map { p[$0] }, parts.map { q[$0] })
      let got = run(name, ["p": rows.0, "q": rows.1], numbers)
      let want = run(name, ["p": wholeP, "q": wholeQ], numbers)
      check(relativeError(got[0][0], want[0][0]) <= 2 * bound, "\(name): \(got[0][0]), not \(want[0][0])")
      for side in 1...2 {
        // The terms that a component adds are about as large as the largest component.
        let scale = want[side].map(abs).max()!
        let worst = parts.indices.max { a, b in
          abs(got[side][a] - want[side][parts[a]]) < abs(got[side][b] - want[side][parts[b]])
        }!
        let error = abs(got[side][worst] - want[side][parts[worst]]) / scale
        check(error <= 4 * bound, "\(name), argument \(side), of \(size): [\(worst)] is off by \(power(error))")
        checkTotal(name, side == 1 ? rows.0 : rows.1, got[side], bound)
      }
    }
  }

  @Test("of the entropy and the cross-entropy, at edges", arguments: edgeSizes.dropFirst())
  func entropies(_ size: Int) {
    var random = Random("gradients \(size)")
    let p = random.weights(size), q = random.weights(size)
    let (totalP, totalQ) = (sum(p), sum(q))
    let own = run("entropy", ["weights": p], ["base": 2])
    let cross = run("cross_entropy", ["p": p, "q": q], ["base": 2])
    let nepits = logarithm(2)
    checkTotal("entropy", p, own[1], 0x1p-46)
    checkTotal("cross_entropy", p, cross[1], 0x1p-46)
    checkTotal("cross_entropy", q, cross[2], 0x1p-46)
    for index in 0..<size {
      // What the header says they are; the terms' magnitudes are at least the last factors here.
      let surprise = (-logarithm(p[index] / totalP), -logarithm(q[index] / totalQ))
      for (name, got, want, terms) in [
        ("entropy", own[1][index], (surprise.0 / nepits - own[0][0]) / totalP, surprise.0 / totalP),
        ("cross_entropy, p", cross[1][index], (surprise.1 / nepits - cross[0][0]) / totalP, surprise.1 / totalP),
        (
          "cross_entropy, q", cross[2][index], (1 - (p[index] / totalP) / (q[index] / totalQ)) / nepits / totalQ,
          1 / totalQ + abs(cross[2][index])
        ),
      ] {
        let isNear = abs(got - want) <= 0x1p-44 * terms
        guard check(isNear, "\(name)[\(index)] of \(size): \(hex(got)), not \(hex(want))") else { return }
      }
    }
  }
}
