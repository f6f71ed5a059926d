# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From pictures to objects, parts and words with masks, each verified, and each with what it was made by.

A recipe names the stages: objects, parts, words, three verifiers, negatives. One worker holds the models of all of
them and makes whole shards, one after another; a plain loop is one worker, Ray is many. May import inference,
evaluation, baselines, data and model.
"""
