"""Text that is hard to split, with `|` where a reader ends a sentence. Written for this table, not taken from any."""

TRICKY = (
    # titles and initials
    "Mr. Hale met Mrs. Orme in town.|They spoke of Dr. Finch.",
    "Prof. Lund lectured for an hour.|Nobody slept.",
    "The book is by J. R. Calloway.|It is out of print.",
    "W. H. Ames and T. Brandt signed it.",
    "Gen. Ross wrote to Col. Pike on Monday.",
    "St. Anne's church stands on St. Mark's Square.",
    "I asked for Mr. B.|He was out.",
    "Robert Downs Jr. was elected.|His father was not.",
    "The Rev. A. Stone married them.",
    "Capt. Harrow and Lt. Moss went ashore.",
    # abbreviations
    "Use hard wood, e.g. oak or ash.|Pine is too soft.",
    "It was closed, i.e. nobody could enter.",
    "They sold tools, nails, rope, etc.|The shop closed in May.",
    "See Fig. 3 and Sec. 4.2 of the report.",
    "Smith et al. found the same in 1998.",
    "The firm Dodd & Co. owns it.",
    "Acme Inc. bought the mill.|It paid little.",
    "He works for Acme Inc.|She does not.",
    "The match, Leeds vs. York, was a draw.",
    "Vol. 2, pp. 14 ff. has the details.",
    "It weighs approx. 3 lbs. when dry.",
    "No. 7 is the red house.|No. 9 is ours.",
    # places, organisations and times
    "The U.S. government paid for it.",
    "She moved to the U.S. in March.",
    "He was born in the U.S.|His wife was not.",
    "They live in Washington, D.C.|It rains there.",
    "The U.N. met in Geneva.",
    "She took her Ph.D. in Basel.",
    "The train left at 6 p.m. on Friday.",
    "We arrived at 9 a.m.|Breakfast was over.",
    "It happened in 44 B.C. on a spring day.",
    "On Jan. 5 the lake froze.|By Feb. 2 it was open.",
    "The shop on Elm St. is closed.",
    # numbers
    "It costs 3.50 in all.|That is cheap.",
    "Version 2.0.1 is out.|Version 3 is not.",
    "Pi is about 3.14.|Nobody needs more.",
    "The list has 1,024 entries.|2 are wrong.",
    "In 1848.|That was the year.",
    "Chapter 4.|The storm",
    # quotations
    "“Come in,” he said.|She came in.",
    "“Where is he?” she asked.",
    "“Stop!” cried the guard.|Nobody stopped.",
    'He said, "It is late."|Then he left.',
    '"It is late."|"It is not."',
    "‘You are wrong,’ said Anne.|‘I am right.’",
    "“I know it.”|He turned away.",
    '"Is it far?" asked the boy.|"No," said the man.',
    "“It is late.|We must go,” he said.",
    "“I saw him.|He was there all day.|Nobody else came.”|She sat down.",
    '"Why?|I do not see it," said Tom.',
    # questions, exclamations, ellipses, dashes
    "Who is there?|It is only me.",
    "Really?!|I had no idea!!",
    "Wait ... I hear something.",
    "He thought for a while...|Then he spoke.",
    "I wonder … perhaps not.",
    "Help!|Help!|The boat is sinking!",
    "Yahoo! was a company.",
    "It was dark--too dark to read.|We waited.",
    # parentheses and brackets
    "The bridge (built in 1702.) is gone.",
    "He left early.|(He had a train to catch.)|We stayed.",
    "She agreed (who would not?) and signed.",
    "The result is known [see p. 12].|It is small.",
    # names, addresses, lists, lower case
    "Write to anna.berg@example.com for more.",
    "The page example.com/a.html is gone.|Try the other.",
    "The file is called notes.txt.|Open it.",
    "eBay grew fast.|iPhones came later.",
    "The first is a) the price; the second is b) the time.",
    "Is it true?|it is, she wrote.",
)


def parts(case: str) -> list[str]:
    """The sentences of a case."""
    return case.split("|")
