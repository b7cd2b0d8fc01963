from sightkit.apps.detection.anchors import Anchors as Anchors
from sightkit.apps.detection.anchors import proposed_anchors as proposed_anchors
from sightkit.apps.detection.anchors import standard_anchors as standard_anchors
from sightkit.apps.detection.annotation_files import read_annotations as read_annotations
from sightkit.apps.detection.annotation_files import (
    require_annotations_output as require_annotations_output,
)
from sightkit.apps.detection.annotation_files import write_annotations as write_annotations
from sightkit.apps.detection.annotations import AnnotatedPictures as AnnotatedPictures
from sightkit.apps.detection.annotations import Annotation as Annotation
from sightkit.apps.detection.average_precision import AveragePrecision as AveragePrecision
from sightkit.apps.detection.average_precision import average_precision as average_precision
from sightkit.apps.detection.box_augmentation import BoxAugmentation as BoxAugmentation
from sightkit.apps.detection.box_coding import AnchorCoding as AnchorCoding
from sightkit.apps.detection.boxes import box_areas as box_areas
from sightkit.apps.detection.boxes import checked_boxes as checked_boxes
from sightkit.apps.detection.boxes import clip_boxes as clip_boxes
from sightkit.apps.detection.boxes import intersection_over_union as intersection_over_union
from sightkit.apps.detection.dense import DenseWindows as DenseWindows
from sightkit.apps.detection.dense_network import fully_convolutional as fully_convolutional
from sightkit.apps.detection.detect_flags import DetectFlags as DetectFlags
from sightkit.apps.detection.detection_files import detect_photos as detect_photos
from sightkit.apps.detection.detection_files import require_new_results as require_new_results
from sightkit.apps.detection.detection_folder import EvaluationFlags as EvaluationFlags
from sightkit.apps.detection.detection_folder import detect_all as detect_all
from sightkit.apps.detection.detection_folder import read_detections as read_detections
from sightkit.apps.detection.detection_folder import (
    require_evaluation_folder as require_evaluation_folder,
)
from sightkit.apps.detection.detection_mistakes import detection_mistakes as detection_mistakes
from sightkit.apps.detection.detections import Detections as Detections
from sightkit.apps.detection.detector_batches import DetectionBatches as DetectionBatches
from sightkit.apps.detection.detector_bundle import DetectorBundle as DetectorBundle
from sightkit.apps.detection.detector_bundle import save_detector as save_detector
from sightkit.apps.detection.detector_flags import DetectorFlags as DetectorFlags
from sightkit.apps.detection.detector_losses import AnchorLoss as AnchorLoss
from sightkit.apps.detection.detector_losses import GridLoss as GridLoss
from sightkit.apps.detection.detector_network import Detector as Detector
from sightkit.apps.detection.detector_preflight import preflight_detector as preflight_detector
from sightkit.apps.detection.detector_run import DetectorRun as DetectorRun
from sightkit.apps.detection.detector_setup import DetectorSetup as DetectorSetup
from sightkit.apps.detection.drawing import colour_of as colour_of
from sightkit.apps.detection.drawing import draw_boxes as draw_boxes
from sightkit.apps.detection.drawing import draw_detections as draw_detections
from sightkit.apps.detection.evaluation_page import report_detections as report_detections
from sightkit.apps.detection.frames import Frames as Frames
from sightkit.apps.detection.grid_coding import GridCoding as GridCoding
from sightkit.apps.detection.haar import find_faces as find_faces
from sightkit.apps.detection.hard_negatives import train_hog_svm as train_hog_svm
from sightkit.apps.detection.hog_bundle import save_hog_detector as save_hog_detector
from sightkit.apps.detection.hog_svm import HogDetector as HogDetector
from sightkit.apps.detection.hog_training import HogFlags as HogFlags
from sightkit.apps.detection.hog_training import sample_windows as sample_windows
from sightkit.apps.detection.hog_training import train_hog_bundle as train_hog_bundle
from sightkit.apps.detection.letterbox import Letterbox as Letterbox
from sightkit.apps.detection.live import Sources as Sources
from sightkit.apps.detection.live import detect_live as detect_live
from sightkit.apps.detection.live import has_screen as has_screen
from sightkit.apps.detection.live import in_words as in_words
from sightkit.apps.detection.live import write_sample_face as write_sample_face
from sightkit.apps.detection.localizer_flags import LocalizerFlags as LocalizerFlags
from sightkit.apps.detection.localizer_loss import LocalizationLoss as LocalizationLoss
from sightkit.apps.detection.localizer_measures import best_constant_box as best_constant_box
from sightkit.apps.detection.localizer_measures import measure_localizer as measure_localizer
from sightkit.apps.detection.localizer_network import Localizer as Localizer
from sightkit.apps.detection.localizer_run import train_localizer as train_localizer
from sightkit.apps.detection.localizer_setup import LocalizerSetup as LocalizerSetup
from sightkit.apps.detection.localizer_views import LocalizationBatches as LocalizationBatches
from sightkit.apps.detection.matching import match as match
from sightkit.apps.detection.pedestrians import find_pedestrians as find_pedestrians
from sightkit.apps.detection.photo_detector import DETECTORS as DETECTORS
from sightkit.apps.detection.photo_detector import PhotoDetector as PhotoDetector
from sightkit.apps.detection.photo_detector import load_detector as load_detector
from sightkit.apps.detection.picture_flags import start_training as start_training
from sightkit.apps.detection.regions import BatchedWindows as BatchedWindows
from sightkit.apps.detection.regions import WindowClassifier as WindowClassifier
from sightkit.apps.detection.regions import classify_regions as classify_regions
from sightkit.apps.detection.regions import fit_to_windows as fit_to_windows
from sightkit.apps.detection.shapes import sample_detections as sample_detections
from sightkit.apps.detection.shapes import write_shapes as write_shapes
from sightkit.apps.detection.smile_detector import SmileDetector as SmileDetector
from sightkit.apps.detection.smile_detector import SmileFlags as SmileFlags
from sightkit.apps.detection.smile_detector import open_smile_detector as open_smile_detector
from sightkit.apps.detection.suppression import non_maxima_suppression as non_maxima_suppression
from sightkit.apps.detection.tiny_imagenet_boxes import (
    read_tiny_imagenet_boxes as read_tiny_imagenet_boxes,
)
from sightkit.apps.detection.voc import read_voc as read_voc
from sightkit.apps.detection.voc import write_voc as write_voc
from sightkit.apps.detection.windows import image_pyramid as image_pyramid
from sightkit.apps.detection.windows import sliding_window as sliding_window
