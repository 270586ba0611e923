"""Weighs what the families claim: the surest claim on each output becomes a head, a draw goes back to the user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from trt_perception.model.families.head_family import Certainty, Evidence, HeadClaim, LayoutMismatch, Refusal
from trt_perception.model.families.not_supported import refusals
from trt_perception.model.families.registry import FAMILIES, family_of
from trt_perception.model.model_overrides import ANY
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.open_sizes import open_sizes_remedy
from trt_perception.model.problem import Problem
from trt_perception.model.tensor_info import TensorInfo


@dataclass(frozen=True, kw_only=True)
class ChosenHeads:
    """What became of the outputs.

    Args:
        claims: One for each head, each with a single kind.
        unread: Names of outputs that no head reads, with the reason.
        problems: Outputs that nobody can be sure of.
    """

    claims: tuple[HeadClaim, ...]
    unread: Mapping[str, str]
    problems: tuple[Problem, ...]


def choose_heads(evidence: Evidence, stated: Mapping[str, HeadKind]) -> ChosenHeads:
    """The heads of a model.

    Args:
        evidence: What there is to judge by.
        stated: Families that the user gave, by output name, or under `ANY` for whichever output fits.
    """
    named = {name: kind for name, kind in stated.items() if name != ANY}
    if named:
        return _named_heads(evidence, named)
    everything: list[HeadClaim | Refusal] = [claim for family in FAMILIES for claim in family.claims(evidence)]
    everything.extend(refusals(evidence))
    if ANY in stated:
        mine, problem = _stated_anywhere(evidence, stated[ANY], everything)
        if problem is not None:
            return ChosenHeads(claims=(), unread={}, problems=(problem,))
        taken = {name for claim in mine for name in claim.outputs}
        everything = [*mine, *(claim for claim in everything if taken.isdisjoint(claim.outputs))]
    return _weighed(evidence, everything)


def _named_heads(evidence: Evidence, named: Mapping[str, HeadKind]) -> ChosenHeads:
    claims: list[HeadClaim] = []
    problems: list[Problem] = []
    outputs = [output.name for output in evidence.outputs]
    for name, kind in named.items():
        if name not in outputs:
            problems.append(
                Problem(text=f"a head was given for the output {name!r}", remedy=f"outputs are {', '.join(outputs)}")
            )
            continue
        try:
            claims.append(_stated_claim(evidence, name, kind))
        except LayoutMismatch as mismatch:
            tensors = [output for output in evidence.outputs if output.name == name]
            problems.append(Problem(text=f"head: {kind.value}: {mismatch}", remedy=_misfit_remedy(tensors)))
    read = {*named, *(name for claim in claims for name in claim.outputs)}
    unread = {name: "another output was named as head" for name in outputs if name not in read}
    return ChosenHeads(claims=tuple(dict.fromkeys(claims)), unread=unread, problems=tuple(problems))


def _misfit_remedy(outputs: Iterable[TensorInfo]) -> str:
    return open_sizes_remedy(outputs) or "set `head:` to another family"


def _stated_claim(evidence: Evidence, name: str, kind: HeadKind) -> HeadClaim:
    """The user's word as a claim.

    Raises:
        LayoutMismatch: The output cannot be of that family.
    """
    tensor = next(output for output in evidence.outputs if output.name == name)
    tensors = family_of(kind).joined(kind, tensor, evidence)
    names = tuple(tensor.name for tensor in tensors)
    layout = family_of(kind).layout(kind, tensors, width=evidence.width, height=evidence.height)
    # What the family itself finds of these outputs may know more, such as the classes behind an ArgMax.
    own = [claim for claim in family_of(kind).claims(evidence) if claim.outputs == names and kind in claim.kinds]
    return HeadClaim(
        kinds=(kind,),
        outputs=names,
        certainty=Certainty.STATED,
        layout=own[0].layout if own else layout,
        reason=f"`head: {kind.value}` was given",
        preprocess=own[0].preprocess if own else None,
    )


def _stated_anywhere(
    evidence: Evidence, kind: HeadKind, claims: Iterable[HeadClaim | Refusal]
) -> tuple[list[HeadClaim], Problem | None]:
    """The one head that fits a family given without an output's name."""
    found: list[HeadClaim] = []
    misfits: dict[str, None] = {}
    for output in evidence.outputs:
        try:
            found.append(_stated_claim(evidence, output.name, kind))
        except LayoutMismatch as mismatch:
            misfits[str(mismatch)] = None
    fitting = list(dict.fromkeys(found))  # every output of a head with several leads to it
    surest = [claim.outputs for claim in claims if isinstance(claim, HeadClaim) and claim.kinds == (kind,)]
    if len(fitting) > 1 and len(set(surest)) == 1:
        fitting = [claim for claim in fitting if claim.outputs == surest[0]]
    if len(fitting) == 1:
        return fitting, None
    if fitting:
        choices = " or ".join(f"--head {claim.outputs[0]}={kind.value}" for claim in fitting)
        return [], Problem(text=f"head: {kind.value} fits {len(fitting)} outputs", remedy=f"name one: {choices}")
    return [], Problem(text=f"head: {kind.value}: " + "; ".join(misfits), remedy=_misfit_remedy(evidence.outputs))


def _weighed(evidence: Evidence, everything: list[HeadClaim | Refusal]) -> ChosenHeads:
    chosen: list[HeadClaim] = []
    refused: list[Refusal] = []
    drawn: list[tuple[str, list[HeadClaim | Refusal]]] = []
    unread: dict[str, str] = {}
    for output in evidence.outputs:
        claims = [claim for claim in everything if output.name in claim.outputs]
        best = [claim for claim in claims if claim.certainty == max(claim.certainty for claim in claims)]
        if not best:
            unread[output.name] = "no head that is known here has this shape"
        elif all(isinstance(claim, Refusal) for claim in best):
            refused.extend(claim for claim in best[:1] if isinstance(claim, Refusal))
        elif len(best) > 1 or not _is_settled(best[0]):
            drawn.append((output.name, best))
        else:
            chosen.extend(claim for claim in best if isinstance(claim, HeadClaim))
    claims_chosen = tuple(dict.fromkeys(chosen))
    detects = any(claim.kinds[0].is_detection for claim in claims_chosen)
    spare = [item for item in refused if item.is_auxiliary and (detects or (claims_chosen and not item.is_detection))]
    unread.update((name, f"{item.name}: {item.reason}") for item in spare for name in item.outputs)
    refused = [item for item in refused if item not in spare]
    problems = [*_refused_problems(evidence, refused), *_drawn_problems(evidence, drawn)]
    if not claims_chosen and not problems:
        problems.append(_nothing_recognised(evidence))
    return ChosenHeads(claims=claims_chosen, unread=unread, problems=tuple(problems))


def _is_settled(claim: HeadClaim | Refusal) -> bool:
    return isinstance(claim, Refusal) or (len(claim.kinds) == 1 and claim.certainty > Certainty.POSSIBLE)


def _refused_problems(evidence: Evidence, refused: Iterable[Refusal]) -> Iterator[Problem]:
    tensors = {output.name: output for output in evidence.outputs}
    for refusal in dict.fromkeys(refused):
        shown = "; ".join(str(tensors[name]) for name in refusal.outputs)
        yield Problem(
            text=f"{refusal.name}: not supported yet; output {shown}: {refusal.reason}", remedy=refusal.remedy
        )


def _drawn_problems(evidence: Evidence, drawn: Iterable[tuple[str, list[HeadClaim | Refusal]]]) -> Iterator[Problem]:
    tensors = {output.name: output for output in evidence.outputs}
    once = {tuple(claims): (name, claims) for name, claims in reversed(list(drawn))}  # a head with several outputs
    for name, claims in reversed(once.values()):
        kinds = dict.fromkeys(kind for claim in claims if isinstance(claim, HeadClaim) for kind in claim.kinds)
        names = [kind.value for kind in kinds] + [f"({claim.name})" for claim in claims if isinstance(claim, Refusal)]
        reasons = [
            f"{claim.layout.words}; {claim.reason}" if isinstance(claim, HeadClaim) else claim.reason
            for claim in claims
        ]
        options = " or ".join(f"--head {name}={kind.value}" for kind in kinds)
        only_one = "may be" if len(names) == 1 else "cannot be told apart:"
        yield Problem(
            text=f"output {tensors[name]}: {only_one} {', '.join(names)} ({'; '.join(reasons)})",
            remedy=f"set `head:` if you know that it is one of these ({options})" if kinds else "use another model",
        )


def _nothing_recognised(evidence: Evidence) -> Problem:
    shown = "; ".join(map(str, evidence.outputs))
    supported = f"supported `head:` values are {', '.join(kind.value for kind in HeadKind)}"
    sizes = open_sizes_remedy(evidence.outputs)  # no family claims an output whose sizes it cannot see
    return Problem(
        text=f"no head recognised in outputs {shown} at network size {evidence.width}x{evidence.height}",
        remedy=f"{sizes}; {supported}" if sizes else supported,
    )
