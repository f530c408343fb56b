"""What a run shows of itself: trackers while it trains, a report of one page when it has.

tracker        the protocol, and several trackers taken for one
wandb_tracker  a stage as a run on Weights & Biases
artifacts      what it refers to there: files by name, answers as a table
------------------------------------------------------------------------------
answers        what answers.json holds
trials         trials.json: several seeds and learning rates of a stage
stages         history.jsonl, result.json, answers.json -> a stage
card           the published scores
formatting     numbers -> text
charts         numbers -> SVG
changes        a stage -> where other workers took over
curves         a stage -> its charts
excerpts       an answer -> its marked context
facets         answers -> kinds of questions, lengths, outcomes
calibration    probabilities -> a reliability diagram
browser        answers -> text for report.js to unpack
findings       all that the report shows of a stage's answers
report         all of these -> report.html
comparing      several runs side by side -> a page
pages          the templates of both
"""
