# Copyright 2026 The unires-hf authors. Apache-2.0.
"""transformers' common model tests on UniResModel, and what is particular to it."""

import unittest

import torch
import transformers_suite
from tiny_unires import tiny_config, tiny_inputs

from unires_hf import UniResConfig, UniResModel

common = transformers_suite.import_or_skip("test_modeling_common")
configuration_common = transformers_suite.import_or_skip("test_configuration_common")


class UniResModelTester:
    """What the common tests ask of a model."""

    def __init__(self, parent):
        self.parent = parent
        self.batch_size = 3
        self.seq_length = 7
        self.is_training = True
        self.num_hidden_layers = 2
        self.hidden_size = 32
        self.num_attention_heads = 4

    def get_config(self):
        return tiny_config()

    def prepare_config_and_inputs_for_common(self):
        return self.get_config(), tiny_inputs(images=self.batch_size)


class UniResModelTest(common.ModelTesterMixin, unittest.TestCase):
    all_model_classes = (UniResModel,)
    pipeline_model_mapping = {}
    test_resize_embeddings = True
    _is_composite = True
    # Attentions and hidden states are those of the vision encoder, in `vision_embeds`; our own tests are below.
    has_attentions = False

    def setUp(self):
        self.model_tester = UniResModelTester(self)
        self.config_tester = configuration_common.ConfigTester(
            self, config_class=UniResConfig, has_text_modality=False, common_properties=["projection_dim"]
        )

    def _prepare_for_class(self, inputs_dict, model_class, return_labels=False):
        inputs_dict = super()._prepare_for_class(inputs_dict, model_class, return_labels=False)
        if return_labels:
            inputs_dict["labels"] = torch.ones(len(inputs_dict["input_ids"]), 16, 16)
        return inputs_dict

    def test_config(self):
        self.config_tester.run_common_tests()

    @unittest.skip("CLIP's attention and MLP re-initialize their children, so that a lone missing child differs")
    def test_can_init_all_missing_weights(self):
        pass

    def test_hidden_states_output(self):
        config, inputs = self.model_tester.prepare_config_and_inputs_for_common()
        model = UniResModel._from_config(config, attn_implementation="eager").eval()
        vision = model(**inputs, output_hidden_states=True, output_attentions=True).vision_embeds
        patches, low, high = 4 * 4, 5, 3
        self.assertEqual(
            [state.shape[1] for state in vision.hidden_states],
            [1 + patches + low, 1 + patches + low, 1 + patches + high],
        )
        self.assertEqual(
            [tuple(weights.shape[1:]) for weights in vision.attentions],
            [(4, 1 + patches + low, 1 + patches + low), (4, 1 + patches + high, 1 + patches + high)],
        )

    def test_retain_grad_hidden_states_attentions(self):
        config, inputs = self.model_tester.prepare_config_and_inputs_for_common()
        model = UniResModel._from_config(config, attn_implementation="eager")
        outputs = model(**inputs, output_hidden_states=True, output_attentions=True)
        kept = [outputs.vision_embeds.hidden_states[0], outputs.vision_embeds.attentions[0]]
        for tensor in kept:
            tensor.retain_grad()
        outputs.logits.flatten()[0].backward()
        for tensor in kept:
            self.assertIsNotNone(tensor.grad)
