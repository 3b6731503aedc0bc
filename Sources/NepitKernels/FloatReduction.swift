// The hottest sums over floats, in float lanes: 16 terms at a time, each good to
// a few units of float's last place, added in double.

import CSystem

/// A reduction whose terms have a form in float.
protocol FloatReduction: Reduction {
  func floatTerms(_ p: FloatLanes, _ q: FloatLanes) -> FloatTerms
}

struct FloatTerms {
  var a = FloatLanes.zero, b = FloatLanes.zero, c = FloatLanes.zero
}

extension EntropyTerms: FloatReduction {
  @inline(__always)
  func floatTerms(_ p: FloatLanes, _ q: FloatLanes) -> FloatTerms { FloatTerms(a: p, b: p * quickLog(p)) }
}

extension CrossEntropyTerms: FloatReduction {
  @inline(__always)
  func floatTerms(_ p: FloatLanes, _ q: FloatLanes) -> FloatTerms {
    // A denormal is brought into range, 2^24 times what it was.
    let isTiny = q .< 0x1p-126
    let logarithm = quickLog(select(isTiny, q * 0x1p24, q)) - select(isTiny, 0x1.0a2b24p+4, .zero)
    return FloatTerms(a: p, b: q, c: select((q .== 0) .& (p .!= 0), -.infinity, p * logarithm))
  }
}

/// A difference whose value has a form in float.
protocol FloatDifference: Difference {
  func floatValue(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes
}

extension DifferenceSum: FloatReduction where D: FloatDifference {
  @_transparent
  func floatTerms(_ p: FloatLanes, _ q: FloatLanes) -> FloatTerms {
    let d = q - p
    return FloatTerms(a: difference.floatValue(p, q, d), b: p, c: d)
  }
}

extension KullbackLeibler: FloatDifference where Form == AsGiven {
  @_transparent
  func floatValue(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes { divergenceTerm(b, a, d) }
}

/// By a call: four of them in one loop would be too much for the compiler.
@inline(never)
private func calledTerm(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes { divergenceTerm(b, a, d) }

extension JensenShannon: FloatDifference {
  @inline(__always)
  func floatValue(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes {
    let weight = Float(weight), other = Float(1 - self.weight)
    let m = fma(b, FloatLanes(repeating: weight), other * a)
    return weight * calledTerm(b, m, other * d) + other * calledTerm(a, m, -weight * d)
  }
}

@inline(__always)
private func greatest(_ best: FloatLanes, _ x: FloatLanes) -> FloatLanes { best.replacing(with: x, where: x .> best) }

/// As `feed`: blocks of 64 elements, two pairs of vectors, a pair added in float.
@inline(__always)
func feedFloats<R: FloatReduction>(
  _ state: inout Accumulator<R>, _ reduction: R, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int
) {
  var p = p, q = q, left = count
  var topP = FloatLanes.zero, topQ = FloatLanes.zero
  var signsP = FloatBits.zero, signsQ = FloatBits.zero
  // Where a pair is not full it is copied before zeros, which add nothing.
  var endP = (FloatLanes.zero, FloatLanes.zero), endQ = (FloatLanes.zero, FloatLanes.zero)
  withUnsafeMutableBytes(of: &endP) { endP in
    withUnsafeMutableBytes(of: &endQ) { endQ in
      while left > 0 {
        var a = Eight.zero, b = Eight.zero, c = Eight.zero
        let rest = max(0, left &- 64)
        while left > rest {
          if left < 32 {
            p = copied(p, left &* 4, endP.baseAddress!)
            if R.isPaired { q = copied(q, left &* 4, endQ.baseAddress!) }
          }
          let (p0, p1) = pair(p)
          let (q0, q1) = R.isPaired ? pair(q) : (p0, p1)
          let terms0 = reduction.floatTerms(p0, q0), terms1 = reduction.floatTerms(p1, q1)
          a += lanes_fold_f32(terms0.a + terms1.a)
          if R.sums > 1 { b += lanes_fold_f32(terms0.b + terms1.b) }
          if R.sums > 2 { c += lanes_fold_f32(terms0.c + terms1.c) }
          signsP |= unsafeBitCast(p0, to: FloatBits.self) | unsafeBitCast(p1, to: FloatBits.self)
          if R.isPaired { signsQ |= unsafeBitCast(q0, to: FloatBits.self) | unsafeBitCast(q1, to: FloatBits.self) }
          if R.watchesGreatest {
            topP = greatest(greatest(topP, p0), p1)
            if R.isPaired { topQ = greatest(greatest(topQ, q0), q1) }
          }
          p += 128
          q += 128
          left &-= 32
        }
        state.add(a, b, c, .zero)
      }
    }
  }
  state.greatestP[0] = max(state.greatestP[0], Double(greatest(topP)))
  state.signsP[0] |= sign(signsP)
  if R.isPaired {
    state.greatestQ[0] = max(state.greatestQ[0], Double(greatest(topQ)))
    state.signsQ[0] |= sign(signsQ)
  }
}

@inline(__always)
private func pair(_ data: UnsafeRawPointer) -> (FloatLanes, FloatLanes) {
  let data = data.assumingMemoryBound(to: Float.self)
  return (lanes_load_f32(data), lanes_load_f32(data + 16))
}

@inline(__always)
private func greatest(_ x: FloatLanes) -> Float {
  let half = greater(x.lowHalf, x.highHalf), quarter = greater(half.lowHalf, half.highHalf)
  let pair = greater(quarter.lowHalf, quarter.highHalf)
  return pair[0] > pair[1] ? pair[0] : pair[1]
}

@inline(__always)
private func greater<V: SIMD>(_ x: V, _ y: V) -> V where V.Scalar == Float { x.replacing(with: y, where: y .> x) }

/// Negative if a lane is.
@inline(__always)
private func sign(_ x: FloatBits) -> Int64 {
  let half = x.lowHalf | x.highHalf, quarter = half.lowHalf | half.highHalf
  let pair = quarter.lowHalf | quarter.highHalf
  return Int64(pair[0] | pair[1])
}
