"""Stacks: metadata, states, copies and deletion."""

from __future__ import annotations

from typing import Any

from tests.translations.pairs.rows import Row, Rule, differs, left_out, same, writes

VERSION = {
    "cycleNumber": 2,
    "cycleStepNumber": 1,
    "stackResolutionX": 4.0,
    "stackResolutionY": 4.0,
    "stackResolutionZ": 40.0,
    "createTimestamp": "2024-05-06T07:08:09.123Z",
    "versionNotes": "second",
}
SETUP = f"d = {VERSION!r}"


def loses_resolution(name: str, state: str) -> Rule:
    """A rule: equal tiles, and a stack of that state and equal version, but for its resolution."""

    def holds(there: Any, here: Any) -> bool:
        theirs, ours = (side.stacks[name]["currentVersion"] for side in (there, here))
        kept = {member: value for member, value in ours.items() if not member.startswith("stackResolution")}
        states = {side.stacks[name]["state"] for side in (there, here)}
        return there.tiles == here.tiles and theirs == kept != ours and states == {state}

    return holds


STACKS: list[Row] = [
    differs(
        "StackVersion",
        "StackVersion(cycleNumber=2, stackResolutionX=4.0).to_dict()",
        "rendergateway.model.StackVersion(cycle_number=2, resolution_x_nm=4.0).to_dict()",
        "fields in snake case; there: a creation time is invented",
        lambda there, here: there.pop("createTimestamp").endswith("Z") and there == here,
    ),
    same(
        "StackVersion.to_dict",
        "StackVersion(**d).to_dict()",
        "rendergateway.model.StackVersion.from_dict(d).to_dict()",
        setup=SETUP,
    ),
    same(
        "StackVersion.from_dict",
        "version = StackVersion(); version.from_dict(d); version",
        "rendergateway.model.StackVersion.from_dict(d)",
        setup=SETUP,
    ),
    differs(
        "set_stack_metadata",
        'set_stack_metadata("montage", StackVersion(versionNotes="second"), render=render)',
        'with stack.new_version(notes="second", complete=False): pass',
        "both reopen the stack; there: the resolution is lost; `stack.update` does not reopen it",
        loses_resolution("cortex/montage", "LOADING"),
        writes=True,
        also_here='stack.set_state("COMPLETE"); stack.update(cycle=(2, 1)); assert stack.reload().state == "COMPLETE"',
    ),
    same(
        "get_full_stack_metadata",
        'get_full_stack_metadata("montage", render=render)',
        "stack.load(); [stack.state, stack.tile_count, stack.version_number, stack.version]",
        there_as=lambda d: [d["state"], d["stats"]["tileCount"], d["currentVersionNumber"], d["currentVersion"]],
    ),
    same("get_stack_metadata", 'get_stack_metadata("montage", render=render)', "stack.version"),
    writes("set_stack_state", 'set_stack_state("montage", "LOADING", render=render)', 'stack.set_state("LOADING")'),
    differs(
        "likelyUniqueId",
        "likelyUniqueId(render=render)",
        'gateway.call("service.unique_id")',
        "two ids",
        lambda there, here: len(there) == len(here) and there != here,
    ),
    left_out("make_stack_params", "arguments of Java clients"),
    writes(
        "delete_stack",
        'delete_stack("montage", render=render)',
        "stack.delete()",
        "`dry_run=True` counts",
        also_here='assert gateway.create_stack("s").delete(dry_run=True).tile_count == 0',
    ),
    writes(
        "delete_section",
        'set_stack_state("montage", "LOADING", render=render); delete_section("montage", 3, render=render)',
        'stack.set_state("LOADING"); stack.section(z=3).delete()',
    ),
    writes(
        "delete_tile",
        'set_stack_state("montage", "LOADING", render=render); delete_tile("montage", "s2_r0_c0", render=render)',
        'stack.set_state("LOADING"); stack.tile("s2_r0_c0").delete()',
    ),
    writes(
        "create_stack",
        'create_stack("s", stackResolutionX=4.0, stackResolutionY=4.0, stackResolutionZ=40.0, render=render)',
        'gateway.create_stack("s", resolution_nm=(4, 4, 40))',
        "without a default resolution, and an error if the stack exists",
        also_here='assert raised(lambda: gateway.create_stack("s")) == "BadRequestError"; '
        'assert gateway.create_stack("t").resolution_nm == (None, None, None)',
    ),
    writes(
        "rename_stack",
        'rename_stack("montage", "new", to_project="p2", render=render)',
        'stack.rename("new", project="p2")',
        "a new wrapper; the old one does not exist any more",
        also_here='assert not stack.exists and gateway.stack("p2/new").exists',
    ),
    differs(
        "clone_stack",
        'clone_stack("montage", "copy", zs=[1, 2], render=render)',
        'stack.clone_to("copy", sections=[1, 2], complete=True)',
        "the same tiles; there: the resolution is lost",
        loses_resolution("cortex/copy", "COMPLETE"),
        writes=True,
    ),
    same(
        "get_z_values_for_stack",
        'get_z_values_for_stack("montage", render=render)',
        "stack.sections().ids",
    ),
    same(
        "get_bounds_from_z",
        'get_bounds_from_z("montage", 3, render=render)',
        "stack.section(z=3).bounds",
        there_as=lambda box: [box["minX"], box["minY"], box["maxX"], box["maxY"]],
        here_as=list,
    ),
    same("get_stack_bounds", 'get_stack_bounds("montage", render=render)', "stack.bounds"),
    same(
        "get_tilebounds_for_z",
        'get_tilebounds_for_z("montage", 3, render=render)',
        "stack.section(z=3).tiles().table().box",
        "boxes as an array",
        there_as=lambda rows: [
            [row["minX"], row["minY"], row["maxX"], row["maxY"]] for row in sorted(rows, key=lambda row: row["tileId"])
        ],
    ),
    same(
        "get_sectionId_for_z",
        'get_sectionId_for_z("montage", 3, render=render)',
        "stack.section(z=3).section_id",
        "`section_ids` if there are several",
        also_here='assert section.section_ids == ["2.0"]',
    ),
    same(
        "get_stack_sectionData",
        'get_stack_sectionData("montage", render=render)',
        "[(s.section_id, s.z, s.tile_count) for s in stack.sections()]",
        there_as=lambda rows: [(row["sectionId"], row["z"], row["tileCount"]) for row in rows],
    ),
    same(
        "get_section_z_value",
        'get_section_z_value("montage", "2.0", render=render)',
        'stack.section(section_id="2.0").z',
    ),
    same(
        "get_stack_tileIds",
        'get_stack_tileIds("montage", render=render)',
        'stack.tiles(pattern=".").ids',
        "ids alone, one request",
        there_as=sorted,
        also_here='with gateway.counting() as requests: stack.tiles(pattern="s").ids\n'
        'assert requests == ["stack.tile_ids"]',
    ),
]

DOCS: list[Row] = [
    same(
        "stack.get_z_value_for_section",
        'get_section_z_value("montage", "2.0", render=render)',
        'stack.section(section_id="2.0").z',
        "there: today's name",
    )
]
