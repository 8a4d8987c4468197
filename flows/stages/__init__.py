"""One thin file a DVC stage: read files, call one pure function, write files."""

# The one package here that does something when it is imported: a stage whose driver dies while its own imports run
# (seconds, on a busy machine) must not live on.
from flows.stages.lifetime import die_with_driver, is_a_stage

if is_a_stage():
    die_with_driver()
