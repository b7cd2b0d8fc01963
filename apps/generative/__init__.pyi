from sightkit.apps.generative.backbone import Backbone as Backbone
from sightkit.apps.generative.backbone import map_layers as map_layers
from sightkit.apps.generative.dream import Dreamer as Dreamer
from sightkit.apps.generative.dream import DreamSettings as DreamSettings
from sightkit.apps.generative.dream import DreamStep as DreamStep
from sightkit.apps.generative.dream_run import LossRecord as LossRecord
from sightkit.apps.generative.dream_run import open_dreamer as open_dreamer
from sightkit.apps.generative.dream_run import write_frames as write_frames
from sightkit.apps.generative.dream_run import write_losses as write_losses
from sightkit.apps.generative.dream_run import zoom as zoom
from sightkit.apps.generative.enlargement_quality import PROTOCOLS as PROTOCOLS
from sightkit.apps.generative.enlargement_quality import PUBLISHED as PUBLISHED
from sightkit.apps.generative.enlargement_quality import Protocol as Protocol
from sightkit.apps.generative.enlargement_quality import (
    compare_enlargements as compare_enlargements,
)
from sightkit.apps.generative.enlargement_quality import psnr as psnr
from sightkit.apps.generative.enlargement_quality import ssim as ssim
from sightkit.apps.generative.enlargement_report import report_enlargements as report_enlargements
from sightkit.apps.generative.enlargement_report import (
    require_new_evaluation as require_new_evaluation,
)
from sightkit.apps.generative.imresize import imresize as imresize
from sightkit.apps.generative.luma import from_ycbcr as from_ycbcr
from sightkit.apps.generative.luma import matlab_luma as matlab_luma
from sightkit.apps.generative.luma import opencv_luma as opencv_luma
from sightkit.apps.generative.luma import to_ycbcr as to_ycbcr
from sightkit.apps.generative.patch_batches import PatchBatches as PatchBatches
from sightkit.apps.generative.patch_batches import grid_batches as grid_batches
from sightkit.apps.generative.picture_flags import PictureFlags as PictureFlags
from sightkit.apps.generative.picture_flags import available_networks as available_networks
from sightkit.apps.generative.picture_flags import read_weights as read_weights
from sightkit.apps.generative.picture_folder import read_pictures as read_pictures
from sightkit.apps.generative.picture_folder import split_pictures as split_pictures
from sightkit.apps.generative.pictures import STILL as STILL
from sightkit.apps.generative.pictures import read_picture as read_picture
from sightkit.apps.generative.pictures import write_picture as write_picture
from sightkit.apps.generative.segmentation_drawing import overlay as overlay
from sightkit.apps.generative.segmentation_drawing import segment_photos as segment_photos
from sightkit.apps.generative.segmentation_drawing import sheet as sheet
from sightkit.apps.generative.segmentation_evaluation import Overlap as Overlap
from sightkit.apps.generative.segmentation_evaluation import class_prior as class_prior
from sightkit.apps.generative.segmentation_evaluation import measure_overlap as measure_overlap
from sightkit.apps.generative.segmentation_evaluation import overlap_of as overlap_of
from sightkit.apps.generative.segmentation_flags import SegmentationFlags as SegmentationFlags
from sightkit.apps.generative.segmentation_pairs import SegmentationPairs as SegmentationPairs
from sightkit.apps.generative.segmentation_pairs import read_pairs as read_pairs
from sightkit.apps.generative.segmentation_run import describe_segmentation as describe_segmentation
from sightkit.apps.generative.segmentation_run import start_segmentation as start_segmentation
from sightkit.apps.generative.segmenter_bundle import Segmenter as Segmenter
from sightkit.apps.generative.segmenter_bundle import load_segmenter as load_segmenter
from sightkit.apps.generative.segmenter_bundle import save_segmenter as save_segmenter
from sightkit.apps.generative.tiles import in_tiles as in_tiles
from sightkit.apps.generative.upscaled_files import require_new_pictures as require_new_pictures
from sightkit.apps.generative.upscaled_files import upscale_photos as upscale_photos
from sightkit.apps.generative.upscaler import UpscalerBundle as UpscalerBundle
from sightkit.apps.generative.upscaler_bundle import check_upscaler as check_upscaler
from sightkit.apps.generative.upscaler_bundle import load_upscaler as load_upscaler
from sightkit.apps.generative.upscaler_bundle import save_upscaler as save_upscaler
from sightkit.apps.generative.upscaler_bundle import upscaler_of as upscaler_of
from sightkit.apps.generative.upscaler_flags import UpscalerFlags as UpscalerFlags
from sightkit.apps.generative.upscaler_run import start_upscaler as start_upscaler
from sightkit.apps.generative.upscaler_run import train_upscaler as train_upscaler
from sightkit.apps.generative.upscaler_setup import UpscalerSetup as UpscalerSetup
