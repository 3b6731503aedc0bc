// The Swift functions of one row, as a package sees them: the bits of the exports.

import CNepit
import CSystem
import Foundation
import Nepit
import Testing

/// A function of one or two spans, and the export that has the same results for one row.
struct SpanMeasure: Sendable, CustomTestStringConvertible {
  let export: String
  var numbers: [String: Double] = [:]
  var hasUnit = false
  let value: @Sendable ([Double], [Double], InformationUnit) throws -> [Double]

  var testDescription: String { numbers.isEmpty ? export : "\(export) \(numbers)" }

  static let all: [SpanMeasure] = [
    SpanMeasure(export: "entropy", hasUnit: true) { p, _, unit in [entropy(of: p.span, in: unit)] },
    SpanMeasure(export: "cross_entropy", hasUnit: true) { p, q, unit in
      [crossEntropy(of: p.span, relativeTo: q.span, in: unit)]
    },
    SpanMeasure(export: "kl_divergence", hasUnit: true) { p, q, unit in
      [klDivergence(of: p.span, from: q.span, in: unit)]
    },
    SpanMeasure(export: "jeffreys_divergence", hasUnit: true) { p, q, unit in
      [jeffreysDivergence(p.span, q.span, in: unit)]
    },
    SpanMeasure(export: "perplexity") { p, _, _ in [perplexity(of: p.span)] },
    SpanMeasure(export: "hellinger_distance") { p, q, _ in [hellingerDistance(p.span, q.span)] },
    SpanMeasure(export: "squared_hellinger_distance") { p, q, _ in [squaredHellingerDistance(p.span, q.span)] },
    SpanMeasure(export: "bhattacharyya_coefficient") { p, q, _ in [bhattacharyyaCoefficient(p.span, q.span)] },
    SpanMeasure(export: "bhattacharyya_distance", hasUnit: true) { p, q, unit in
      [bhattacharyyaDistance(p.span, q.span, in: unit)]
    },
    SpanMeasure(export: "chernoff_information", hasUnit: true) { p, q, unit in
      let (information, exponent) = chernoffInformation(p.span, q.span, in: unit)
      return [information, exponent]
    },
    SpanMeasure(export: "total_variation") { p, q, _ in [totalVariation(p.span, q.span)] },
    SpanMeasure(export: "pearson_chi2") { p, q, _ in [pearsonChiSquared(of: p.span, from: q.span)] },
    SpanMeasure(export: "neyman_chi2") { p, q, _ in [neymanChiSquared(of: p.span, from: q.span)] },
    SpanMeasure(export: "check_distribution", numbers: ["tolerance": 0x1p-30]) { p, _, _ in
      let (finding, excess) = try checkDistribution(p.span)
      return [Double(finding.rawValue), excess]
    },
    SpanMeasure(export: "check_distribution", numbers: ["tolerance": 1e9]) { p, _, _ in
      let (finding, excess) = try checkDistribution(p.span, tolerance: 1e9)
      return [Double(finding.rawValue), excess]
    },
  ]
    + [0, 0.5, 1, 2, 9.25, .infinity].flatMap { order in
      [
        SpanMeasure(export: "renyi_entropy", numbers: ["order": order], hasUnit: true) { p, _, unit in
          [try renyiEntropy(of: p.span, order: order, in: unit)]
        },
        SpanMeasure(export: "tsallis_entropy", numbers: ["order": order]) { p, _, _ in
          [try tsallisEntropy(of: p.span, order: order)]
        },
        SpanMeasure(export: "hill_number", numbers: ["order": order]) { p, _, _ in
          [try hillNumber(of: p.span, order: order)]
        },
        SpanMeasure(export: "renyi_divergence", numbers: ["order": order], hasUnit: true) { p, q, unit in
          [try renyiDivergence(of: p.span, from: q.span, order: order, in: unit)]
        },
      ]
    }
    + [0, 0.5, 1, 2, 9.25].map { order in
      SpanMeasure(export: "tsallis_divergence", numbers: ["order": order]) { p, q, _ in
        [try tsallisDivergence(of: p.span, from: q.span, order: order)]
      }
    }
    + [-3, -1, 0, 0.5, 1, 2].map { alpha in
      SpanMeasure(export: "alpha_divergence", numbers: ["alpha": alpha]) { p, q, _ in
        [try alphaDivergence(p.span, q.span, alpha: alpha)]
      }
    }
    + [0, 0.25, 0.5, 1].flatMap { weight in
      [
        SpanMeasure(export: "jensen_shannon_divergence", numbers: ["weight": weight], hasUnit: true) { p, q, unit in
          [try jensenShannonDivergence(p.span, q.span, weight: weight, in: unit)]
        },
        SpanMeasure(export: "jensen_shannon_distance", numbers: ["weight": weight], hasUnit: true) { p, q, unit in
          [try jensenShannonDistance(p.span, q.span, weight: weight, in: unit)]
        },
      ]
    }
    + [0, 1e-4, 0.3].map { floor in
      SpanMeasure(export: "population_stability_index", numbers: ["floor": floor], hasUnit: true) { p, q, unit in
        [try populationStabilityIndex(p.span, q.span, floor: floor, in: unit)]
      }
    }
}

/// Bases that have a name, and one that has none.
private let units: [(base: Double, unit: InformationUnit)] = [
  (2.718281828459045, .nepits), (2, .bits), (10, .hartleys), (3, try! InformationUnit(base: 3)),
]

@Suite("Spans")
struct SpanTests {
  /// Pairs of rows, good and bad.
  private func rows(_ random: inout Random) -> [([Double], [Double])] {
    var rows: [([Double], [Double])] = []
    for size in [1, 2, 8, 63, 300, 33000] {
      let p = random.weights(size)
      rows.append((p, random.weights(size)))
      rows.append((p, random.nearly(p)))
      rows.append((p, p))
    }
    rows += [
      ([0.5, 0.5, 0], [0.25, 0, 0.75]), ([1, 0], [0, 1]), ([1, 1e-17], [1e-17, 1]),
      ([1e300, 1e305, 3], [1, 2, 3]),
      ([0x3p-1070, 0x1p-1060], [0x1p-1030, 1]), ([0, 0], [1, 1]), ([1, 1], [0, 0]),
      ([1, -1], [1, 1]), ([1, 1], [-2, 1]),
      ([.nan, 1], [1, 1]), ([1, 2], [1, .nan]), ([.infinity, 1], [1, 1]),
      ([1, 1], [1, .infinity]), ([-0.0, 1], [1, -0.0]),
    ]
    return rows
  }

  @Test("the bits of the exports", arguments: SpanMeasure.all)
  func sameBits(_ measure: SpanMeasure) throws {
    var random = Random("SpanTests")
    for (p, q) in rows(&random) {
      for (base, unit) in measure.hasUnit && p.count < 1000 ? units : [units[0]] {
        let call = Call(["weights": Elements(p), "p": Elements(p), "q": Elements(q)], measure.numbers)
        call.numbers["base"] = base
        #expect(Export.named(measure.export).run(call) == NEPIT_OK)
        let got = try measure.value(p, q, unit)
        let what = p.count < 4 ? "\(p), \(q)" : "\(p.count) outcomes"
        check(haveSameBits(got, call.allValues), "base \(base), \(what): \(got), the export \(call.allValues)")
      }
    }
  }

  @Test("NaN for no outcomes, and for the check an error", arguments: SpanMeasure.all)
  func empty(_ measure: SpanMeasure) throws {
    if measure.export == "check_distribution" {
      #expect(throws: CallError.shape) { try measure.value([], [], .bits) }
    } else {
      #expect(try measure.value([], [], .bits).allSatisfy { $0.isNaN })
    }
  }

  #if arch(x86_64)
    /// Rounding up, down and to zero; denormals taken as 0. The caller's environment is neither used nor changed.
    private static let environments: [UInt32] = [0x5f80, 0x3f80, 0x7f80, 0x9fc0]

    /// The body under another environment, and what that is afterwards, flags included.
    private func under<Result>(_ environment: UInt32, _ body: () -> Result) -> (result: Result, after: UInt32) {
      let before = cs_float_environment_enter()
      cs_float_environment_restore(environment)
      let result = body()
      let after = cs_float_environment_enter()
      cs_float_environment_restore(before)
      return (result, after)
    }

    @Test("in any floating-point environment", arguments: SpanMeasure.all)
    func environment(_ measure: SpanMeasure) throws {
      var random = Random("environment")
      let p = random.weights(300), q = random.weights(300), tiny = p.map { scalbn($0, -1030) }
      for environment in SpanTests.environments {
        for (p, q) in [(p, q), (tiny, q)] {
          let want = try measure.value(p, q, .bits)
          let (got, after) = under(environment) { try? measure.value(p, q, .bits) }
          let name = String(environment, radix: 16)
          check(got.map { haveSameBits($0, want) } ?? false, "under \(name): \(got ?? []), not \(want)")
          check(after == environment, "\(name) became \(String(after, radix: 16))")
        }
      }
    }

    @Test("a unit in any floating-point environment")
    func unitEnvironment() throws {
      for environment in SpanTests.environments {
        let (got, after) = under(environment) { try? InformationUnit(base: 3) }
        #expect(try got == InformationUnit(base: 3))
        #expect(after == environment)
      }
    }
  #endif

  @Test("errors")
  func errors() throws {
    let p: [Double] = [1, 2], q: [Double] = [2, 3]
    for base in [1, 0, -2, 0.5, .infinity, -.infinity, .nan] {
      #expect(throws: CallError.base) { try InformationUnit(base: base) }
    }
    #expect(try InformationUnit(base: 2) == .bits)
    #expect(try InformationUnit(base: 10) == .hartleys)
    #expect(try InformationUnit(base: 2.718281828459045) == .nepits)
    #expect(throws: Never.self) { try InformationUnit(base: (1.0).nextUp) }
    for order in [-1, -.leastNonzeroMagnitude, -.infinity, .nan] as [Double] {
      #expect(throws: CallError.parameter) { try renyiEntropy(of: p.span, order: order) }
      #expect(throws: CallError.parameter) { try tsallisEntropy(of: p.span, order: order) }
      #expect(throws: CallError.parameter) { try hillNumber(of: p.span, order: order) }
      #expect(throws: CallError.parameter) { try renyiDivergence(of: p.span, from: q.span, order: order) }
      #expect(throws: CallError.parameter) { try tsallisDivergence(of: p.span, from: q.span, order: order) }
      #expect(throws: CallError.parameter) { try checkDistribution(p.span, tolerance: order) }
    }
    #expect(throws: CallError.parameter) { try tsallisDivergence(of: p.span, from: q.span, order: .infinity) }
    for alpha in [-.infinity, .infinity, .nan] as [Double] {
      #expect(throws: CallError.parameter) { try alphaDivergence(p.span, q.span, alpha: alpha) }
    }
    for weight in [-0.1, 1.1, (1.0).nextUp, .infinity, .nan] {
      #expect(throws: CallError.parameter) { try jensenShannonDivergence(p.span, q.span, weight: weight) }
      #expect(throws: CallError.parameter) { try jensenShannonDistance(p.span, q.span, weight: weight) }
    }
    for floor in [-0.1, 1, .infinity, .nan] {
      #expect(throws: CallError.parameter) { try populationStabilityIndex(p.span, q.span, floor: floor) }
    }
    // -0 is 0.
    #expect(try renyiEntropy(of: p.span, order: -0.0) == logarithm(2))
  }
}
