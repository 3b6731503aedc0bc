// Every export, called by the declaration in nepit.h: a name of a parameter beside each argument.

import CNepit
import Testing

struct Export: Sendable, CustomTestStringConvertible {
  /// The function's, without nepit_.
  let name: String
  let run: @Sendable (Call) -> nepit_status

  init(_ name: String, _ run: @escaping @Sendable (Call) -> nepit_status) { (self.name, self.run) = (name, run) }

  var testDescription: String { name }

  static func named(_ name: String) -> Export { all.first { $0.name == name }! }

  /// Those of every section.
  static let every = all + losses + comparisons

  /// Of objects: each call has a new one.
  static let comparisons: [Export] = [
    Export("logits_comparison_update") {
      let base = $0.array("base")
      var comparison: OpaquePointer?
      defer { nepit_logits_comparison_destroy(comparison) }
      let status = nepit_logits_comparison_create(base.cols, 10, 0, 0, &comparison)
      guard status == NEPIT_OK else { return status }
      return nepit_logits_comparison_update(
        comparison, base, $0.array("test"), $0.array("labels"), $0.execution, $0.matrix("values"))
    }
  ]

  static let losses: [Export] = [
    Export("softmax_cross_entropy") {
      nepit_softmax_cross_entropy(
        $0.array("logits"), $0.array("labels"), $0.array("class_weights"), $0.array("row_weights"),
        $0.softmaxOptions(), $0.execution, $0.out("out"), $0.out("losses"), $0.out("log_sums"), $0.longs("argmax"),
        $0.longs("counts"), $0.matrix("gradient"))
    },
    Export("softmax_cross_entropy_soft") {
      nepit_softmax_cross_entropy_soft(
        $0.array("logits"), $0.array("targets"), $0.array("class_weights"), $0.array("row_weights"),
        $0.softmaxOptions(), $0.execution, $0.out("out"), $0.out("losses"), $0.out("log_sums"), $0.matrix("gradient"),
        $0.matrix("target_gradient"))
    },
    Export("distillation") {
      nepit_distillation(
        $0.array("student"), $0.array("teacher"), $0.array("row_weights"), $0.distillationOptions(), $0.execution,
        $0.out("out"), $0.out("losses"), $0.matrix("student_gradient"), $0.matrix("teacher_gradient"))
    },
    Export("logsumexp") {
      nepit_logsumexp($0.array("logits"), $0.number("temperature"), $0.execution, $0.out("out"), $0.matrix("gradient"))
    },
    Export("softmax") {
      nepit_softmax($0.array("logits"), $0.number("temperature"), $0.execution, $0.matrix("out"))
    },
    Export("log_softmax") {
      nepit_log_softmax($0.array("logits"), $0.number("temperature"), $0.execution, $0.matrix("out"))
    },
    Export("softmax_vjp") {
      nepit_softmax_vjp(
        $0.array("logits"), $0.array("upstream"), $0.number("temperature"), $0.execution, $0.matrix("gradient"))
    },
    Export("log_softmax_vjp") {
      nepit_log_softmax_vjp(
        $0.array("logits"), $0.array("upstream"), $0.number("temperature"), $0.execution, $0.matrix("gradient"))
    },
    Export("gaussian_kl") {
      nepit_gaussian_kl(
        $0.array("mean"), $0.array("log_variance"), $0.array("other_mean"), $0.array("other_log_variance"),
        $0.gaussianOptions(), $0.execution, $0.out("out"), $0.out("losses"), $0.matrix("terms"),
        $0.matrix("mean_gradient"), $0.matrix("log_variance_gradient"), $0.matrix("other_mean_gradient"),
        $0.matrix("other_log_variance_gradient"))
    },
    Export("sigmoid_cross_entropy") {
      nepit_sigmoid_cross_entropy(
        $0.array("logits"), $0.array("targets"), $0.array("weights"), $0.array("positive_weights"),
        nepit_reduction($0.number("reduction")), $0.execution, $0.out("out"), $0.out("losses"), $0.matrix("terms"),
        $0.matrix("gradient"), $0.matrix("target_gradient"))
    },
    Export("binary_cross_entropy") {
      nepit_binary_cross_entropy(
        $0.array("probabilities"), $0.array("targets"), $0.array("weights"), nepit_reduction($0.number("reduction")),
        $0.execution, $0.out("out"), $0.out("losses"), $0.matrix("terms"), $0.matrix("gradient"),
        $0.matrix("target_gradient"))
    },
    Export("gaussian_nll") {
      nepit_gaussian_nll(
        $0.array("mean"), $0.array("targets"), $0.array("variance"), $0.gaussianLikelihoodOptions(), $0.execution,
        $0.out("out"), $0.out("losses"), $0.matrix("terms"), $0.matrix("mean_gradient"), $0.matrix("target_gradient"),
        $0.matrix("variance_gradient"))
    },
    Export("poisson_nll") {
      nepit_poisson_nll(
        $0.array("rates"), $0.array("targets"), $0.poissonLikelihoodOptions(), $0.execution, $0.out("out"),
        $0.out("losses"), $0.matrix("terms"), $0.matrix("gradient"), $0.matrix("target_gradient"))
    },
    Export("nll") {
      nepit_nll(
        $0.array("log_probabilities"), $0.array("labels"), $0.array("class_weights"), $0.labelOptions(), $0.execution,
        $0.out("out"), $0.out("losses"), $0.matrix("gradient"))
    },
    Export("policy_entropy") {
      nepit_policy_entropy(
        $0.array("logits"), $0.array("mask"), nepit_reduction($0.number("reduction")), $0.execution, $0.out("out"),
        $0.out("entropies"), $0.matrix("gradient"))
    },
    Export("sampled_kl") {
      nepit_sampled_kl(
        $0.array("log_probabilities"), $0.array("other_log_probabilities"), $0.array("weights"),
        nepit_kl_estimator($0.number("estimator")), nepit_reduction($0.number("reduction")), $0.execution,
        $0.out("out"), $0.out("losses"), $0.matrix("terms"), $0.matrix("gradient"), $0.matrix("other_gradient"))
    },
  ]

  /// Those of distributions given as weights.
  static let all: [Export] = [
    Export("entropy") {
      nepit_entropy($0.array("weights"), $0.number("base"), $0.execution, $0.out("out"))
    },
    Export("entropy_gradient") {
      nepit_entropy_gradient(
        $0.array("weights"), $0.number("base"), $0.execution, $0.out("out"), $0.matrix("gradient"))
    },
    Export("renyi_entropy") {
      nepit_renyi_entropy(
        $0.array("weights"), $0.number("order"), $0.number("base"), $0.execution, $0.out("out"))
    },
    Export("renyi_entropy_gradient") {
      nepit_renyi_entropy_gradient(
        $0.array("weights"), $0.number("order"), $0.number("base"), $0.execution, $0.out("out"),
        $0.matrix("gradient"))
    },
    Export("tsallis_entropy") {
      nepit_tsallis_entropy($0.array("weights"), $0.number("order"), $0.execution, $0.out("out"))
    },
    Export("hill_number") {
      nepit_hill_number($0.array("weights"), $0.number("order"), $0.execution, $0.out("out"))
    },
    Export("perplexity") {
      nepit_perplexity($0.array("weights"), $0.execution, $0.out("out"))
    },
    Export("binary_entropy") {
      nepit_binary_entropy($0.array("probabilities"), $0.number("base"), $0.execution, $0.matrix("out"))
    },
    Export("binary_entropy_gradient") {
      nepit_binary_entropy_gradient(
        $0.array("probabilities"), $0.number("base"), $0.execution, $0.matrix("out"), $0.matrix("gradient"))
    },
    Export("cross_entropy") {
      nepit_cross_entropy($0.array("p"), $0.array("q"), $0.number("base"), $0.execution, $0.out("out"))
    },
    Export("cross_entropy_gradient") {
      nepit_cross_entropy_gradient(
        $0.array("p"), $0.array("q"), $0.number("base"), $0.execution, $0.out("out"), $0.matrix("p_gradient"),
        $0.matrix("q_gradient"))
    },
    Export("kl_divergence") {
      nepit_kl_divergence($0.array("p"), $0.array("q"), $0.number("base"), $0.execution, $0.out("out"))
    },
    Export("kl_divergence_gradient") {
      nepit_kl_divergence_gradient(
        $0.array("p"), $0.array("q"), $0.number("base"), $0.execution, $0.out("out"), $0.matrix("p_gradient"),
        $0.matrix("q_gradient"))
    },
    Export("jeffreys_divergence") {
      nepit_jeffreys_divergence($0.array("p"), $0.array("q"), $0.number("base"), $0.execution, $0.out("out"))
    },
    Export("jeffreys_divergence_gradient") {
      nepit_jeffreys_divergence_gradient(
        $0.array("p"), $0.array("q"), $0.number("base"), $0.execution, $0.out("out"), $0.matrix("p_gradient"),
        $0.matrix("q_gradient"))
    },
    Export("jensen_shannon_divergence") {
      nepit_jensen_shannon_divergence(
        $0.array("p"), $0.array("q"), $0.number("weight"), $0.number("base"), $0.execution, $0.out("out"))
    },
    Export("jensen_shannon_divergence_gradient") {
      nepit_jensen_shannon_divergence_gradient(
        $0.array("p"), $0.array("q"), $0.number("weight"), $0.number("base"), $0.execution, $0.out("out"),
        $0.matrix("p_gradient"), $0.matrix("q_gradient"))
    },
    Export("jensen_shannon_distance") {
      nepit_jensen_shannon_distance(
        $0.array("p"), $0.array("q"), $0.number("weight"), $0.number("base"), $0.execution, $0.out("out"))
    },
    Export("jensen_shannon_distance_gradient") {
      nepit_jensen_shannon_distance_gradient(
        $0.array("p"), $0.array("q"), $0.number("weight"), $0.number("base"), $0.execution, $0.out("out"),
        $0.matrix("p_gradient"), $0.matrix("q_gradient"))
    },
    Export("generalized_jensen_shannon") {
      nepit_generalized_jensen_shannon(
        $0.array("weights"), $0.count("members"), $0.doubles("mixing"), $0.number("base"), $0.execution,
        $0.out("out"))
    },
    Export("renyi_divergence") {
      nepit_renyi_divergence(
        $0.array("p"), $0.array("q"), $0.number("order"), $0.number("base"), $0.execution, $0.out("out"))
    },
    Export("renyi_divergence_gradient") {
      nepit_renyi_divergence_gradient(
        $0.array("p"), $0.array("q"), $0.number("order"), $0.number("base"), $0.execution, $0.out("out"),
        $0.matrix("p_gradient"), $0.matrix("q_gradient"))
    },
    Export("tsallis_divergence") {
      nepit_tsallis_divergence($0.array("p"), $0.array("q"), $0.number("order"), $0.execution, $0.out("out"))
    },
    Export("alpha_divergence") {
      nepit_alpha_divergence($0.array("p"), $0.array("q"), $0.number("alpha"), $0.execution, $0.out("out"))
    },
    Export("hellinger_distance") {
      nepit_hellinger_distance($0.array("p"), $0.array("q"), $0.execution, $0.out("out"))
    },
    Export("hellinger_distance_gradient") {
      nepit_hellinger_distance_gradient(
        $0.array("p"), $0.array("q"), $0.execution, $0.out("out"), $0.matrix("p_gradient"),
        $0.matrix("q_gradient"))
    },
    Export("squared_hellinger_distance") {
      nepit_squared_hellinger_distance($0.array("p"), $0.array("q"), $0.execution, $0.out("out"))
    },
    Export("squared_hellinger_distance_gradient") {
      nepit_squared_hellinger_distance_gradient(
        $0.array("p"), $0.array("q"), $0.execution, $0.out("out"), $0.matrix("p_gradient"),
        $0.matrix("q_gradient"))
    },
    Export("bhattacharyya_coefficient") {
      nepit_bhattacharyya_coefficient($0.array("p"), $0.array("q"), $0.execution, $0.out("out"))
    },
    Export("bhattacharyya_distance") {
      nepit_bhattacharyya_distance($0.array("p"), $0.array("q"), $0.number("base"), $0.execution, $0.out("out"))
    },
    Export("chernoff_information") {
      nepit_chernoff_information(
        $0.array("p"), $0.array("q"), $0.number("base"), $0.execution, $0.out("out"), $0.out("exponent"))
    },
    Export("total_variation") {
      nepit_total_variation($0.array("p"), $0.array("q"), $0.execution, $0.out("out"))
    },
    Export("pearson_chi2") {
      nepit_pearson_chi2($0.array("p"), $0.array("q"), $0.execution, $0.out("out"))
    },
    Export("neyman_chi2") {
      nepit_neyman_chi2($0.array("p"), $0.array("q"), $0.execution, $0.out("out"))
    },
    Export("population_stability_index") {
      nepit_population_stability_index(
        $0.array("p"), $0.array("q"), $0.number("floor"), $0.number("base"), $0.execution, $0.out("out"))
    },
    Export("entr") {
      nepit_entr($0.array("x"), $0.execution, $0.matrix("out"))
    },
    Export("rel_entr") {
      nepit_rel_entr($0.array("x"), $0.array("y"), $0.execution, $0.matrix("out"))
    },
    Export("kl_div") {
      nepit_kl_div($0.array("x"), $0.array("y"), $0.execution, $0.matrix("out"))
    },
    Export("smooth_additive") {
      nepit_smooth_additive($0.array("weights"), $0.number("alpha"), $0.execution, $0.matrix("out"))
    },
    Export("smooth_mix") {
      nepit_smooth_mix(
        $0.array("weights"), $0.number("weight"), $0.array("background"), $0.execution, $0.matrix("out"))
    },
    Export("smooth_floor") {
      nepit_smooth_floor($0.array("weights"), $0.number("epsilon"), $0.execution, $0.matrix("out"))
    },
    Export("check_distribution") {
      nepit_check_distribution(
        $0.array("weights"), $0.number("tolerance"), $0.execution, $0.findings("finding"), $0.out("excess"))
    },
  ]
}
