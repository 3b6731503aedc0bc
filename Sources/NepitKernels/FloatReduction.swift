// The hottest sums over floats, in float lanes: 16 terms at a time, each good to
// a few units of float's last place, added in double.

import CSystem

/// A reduction whose terms have a form in float.
protocol FloatReduction: Reduction {
  /// Adds the terms of some outcomes to a block's sums; nothing where p = q = 0.
  func add(_ p: FloatLanes, _ q: FloatLanes, to sums: inout FloatTerms)

  /// Whether terms are begun for eight vectors before they are ended for the first: a long chain of operations cut in two,
  /// so that more of them are under way at a time. The same numbers either way.
  static var isBegun: Bool { get }
  func begin(_ p: FloatLanes, _ q: FloatLanes) -> FloatLanes
  func add(_ p: FloatLanes, _ q: FloatLanes, begun: FloatLanes, to sums: inout FloatTerms)
}

extension FloatReduction {
  @inline(__always) static var isBegun: Bool { false }
  @_transparent
  func begin(_ p: FloatLanes, _ q: FloatLanes) -> FloatLanes { p }
  @_transparent
  func add(_ p: FloatLanes, _ q: FloatLanes, begun: FloatLanes, to sums: inout FloatTerms) { add(p, q, to: &sums) }
}

struct FloatTerms {
  var a = FloatLanes.zero, b = FloatLanes.zero, c = FloatLanes.zero
}

extension EntropyTerms: FloatReduction {
  @_transparent
  func add(_ p: FloatLanes, _ q: FloatLanes, to sums: inout FloatTerms) {
    sums.a += p
    sums.b = fma(p, quickLog(p, least: -200), sums.b)
  }
}

extension CrossEntropyTerms: FloatReduction {
  @_transparent
  func add(_ p: FloatLanes, _ q: FloatLanes, to sums: inout FloatTerms) {
    sums.a += p
    sums.b += q
    // A denormal is brought into range, 2^24 times what it was; AVX-512 takes any number apart.
    let isTiny = q .< 0x1p-126
    let logarithm =
      laneCount == 16 ? fullLog(q) : fullLog(select(isTiny, q * 0x1p24, q), raised: select(isTiny, 24, .zero))
    sums.c += select(p .== 0, 0, p * logarithm)
  }
}

/// A difference whose value has a form in float.
protocol FloatDifference: Difference {
  func floatValue(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes
  static var isBegun: Bool { get }
  func begin(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes
  func floatValue(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes, begun: FloatLanes) -> FloatLanes
}

extension FloatDifference {
  @inline(__always) static var isBegun: Bool { false }
  @_transparent
  func begin(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes { d }
  @_transparent
  func floatValue(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes, begun: FloatLanes) -> FloatLanes {
    floatValue(b, a, d)
  }
}

extension DifferenceSum: FloatReduction where D: FloatDifference {
  @_transparent
  func add(_ p: FloatLanes, _ q: FloatLanes, to sums: inout FloatTerms) {
    let d = q - p
    sums.a += difference.floatValue(p, q, d)
    sums.b += p
    sums.c += d
  }
  @inline(__always) static var isBegun: Bool { D.isBegun }
  @_transparent
  func begin(_ p: FloatLanes, _ q: FloatLanes) -> FloatLanes { difference.begin(p, q, q - p) }
  @_transparent
  func add(_ p: FloatLanes, _ q: FloatLanes, begun: FloatLanes, to sums: inout FloatTerms) {
    let d = q - p
    sums.a += difference.floatValue(p, q, d, begun: begun)
    sums.b += p
    sums.c += d
  }
}

extension KullbackLeibler: FloatDifference where Form == AsGiven {
  @_transparent
  func floatValue(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes { divergenceTerm(b, a, d) }
  #if NEPIT_WIDEST
    @inline(__always) static var isBegun: Bool { true }
    @_transparent
    func begin(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes { QuickDivergence(b, a, d).quotient }
    @_transparent
    func floatValue(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes, begun: FloatLanes) -> FloatLanes {
      QuickDivergence(b, a, d).term(begun)
    }
  #endif
}

/// `divergenceTerm` where two of them stand in one loop, as for doubles.
#if NEPIT_WIDEST
  @_transparent
#else
  @inline(never)
#endif
private func divergenceHalf(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes { divergenceTerm(b, a, d) }

extension JensenShannon: FloatDifference {
  @_transparent
  func floatValue(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes {
    let weight = Float(weight), other = Float(1 - self.weight)
    let m = fma(b, FloatLanes(repeating: weight), other * a)
    return weight * divergenceHalf(b, m, other * d) + other * divergenceHalf(a, m, -weight * d)
  }
}

/// As `feed`. A block is added up in float, the blocks in double: these sums need no second word.
@_transparent
private func feedFloats<R: FloatReduction>(
  _ state: inout Accumulator<R>, _ reduction: R, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int,
  _ room: Room
) {
  var p = p, q = q, left = count
  let endP = UnsafeMutableRawPointer(room), endQ = endP + 128
  let begun = (endP + 256).assumingMemoryBound(to: Float.self)
  let part = count & 15
  if part != 0 {
    let start = (count &- part) &* 4
    Float.copyPart(p + start, part, to: endP)
    if R.isPaired { Float.copyPart(q + start, part, to: endQ) }
  }
  var topP = FloatLanes.zero, topQ = FloatLanes.zero
  var signsP = FloatBits.zero, signsQ = FloatBits.zero
  while left > 0 {
    let end = max(0, left &- (R.isBegun ? 128 : 64))
    if R.isBegun {
      var offset = 0
      while left &- offset > end {
        let isWhole = left &- offset >= 16
        let p0 = loadFloats(isWhole ? p + offset &* 4 : UnsafeRawPointer(endP))
        let q0 = loadFloats(isWhole ? q + offset &* 4 : UnsafeRawPointer(endQ))
        lanes_store_f32(begun + offset, reduction.begin(p0, q0))
        offset &+= 16
      }
    }
    var place = begun
    while left > end {
      var sums = FloatTerms()
      let rest = max(end, left &- 64)
      while left > rest {
        let isWhole = left >= 16
        let p0 = loadFloats(isWhole ? p : UnsafeRawPointer(endP))
        let q0 = R.isPaired ? loadFloats(isWhole ? q : UnsafeRawPointer(endQ)) : p0
        if R.isBegun {
          reduction.add(p0, q0, begun: lanes_load_f32(place), to: &sums)
          place += 16
        } else {
          reduction.add(p0, q0, to: &sums)
        }
        signsP |= unsafeBitCast(p0, to: FloatBits.self)
        if R.isPaired { signsQ |= unsafeBitCast(q0, to: FloatBits.self) }
        if R.watchesGreatest {
          topP = lanes_max_f32(p0, topP)
          if R.isPaired { topQ = lanes_max_f32(q0, topQ) }
        }
        p += 64
        q += 64
        left &-= 16
      }
      state.aHigh += lanes_fold_f32(sums.a)
      if R.sums > 1 { state.bHigh += lanes_fold_f32(sums.b) }
      if R.sums > 2 { state.cHigh += lanes_fold_f32(sums.c) }
    }
  }
  if R.watchesGreatest {
    state.greatestP[0] = max(state.greatestP[0], Double(lanes_greatest_f32(topP)))
    if R.isPaired { state.greatestQ[0] = max(state.greatestQ[0], Double(lanes_greatest_f32(topQ))) }
  }
  state.signsP[0] |= Int64(lanes_union_f32(signsP))
  if R.isPaired { state.signsQ[0] |= Int64(lanes_union_f32(signsQ)) }
}

@inline(never)
func reduceFloats<R: FloatReduction>(
  _ reduction: R, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int,
  _ carry: UnsafeMutablePointer<lanes_carry>?, _ isLast: Bool, _ room: Room, _ out: UnsafeMutablePointer<lanes_sums>
) {
  var state = Accumulator<R>(carry.map { UnsafePointer($0) } ?? lanes_no_carry())
  feedFloats(&state, reduction, p, q, count, room)
  // No second words.
  (state.aLow, state.bLow, state.cLow) = (.zero, .zero, .zero)
  if isLast {
    state.finish(&out.pointee)
  } else if let carry {
    state.store(carry)
  }
}

@_transparent
func loadFloats(_ data: UnsafeRawPointer) -> FloatLanes { lanes_load_f32(data.assumingMemoryBound(to: Float.self)) }
