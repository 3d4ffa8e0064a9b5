"""Articles of our own, as parts from which documents are composed; all events and people are made up."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    title: str
    paragraphs: tuple[str, ...]
    language: str
    subheads: tuple[str, ...] = ()
    """Headings that may stand before the second and third paragraph."""


ARABIC = (
    Part(
        "وزيرة النقل تعلن تشغيل خط القطار الساحلي قبل نهاية العام",
        (
            "أعلنت وزيرة النقل ليلى الحكيم، اليوم الثلاثاء، أن خط القطار الساحلي بين المدينتين سيبدأ العمل قبل نهاية العام، بعد تأخير دام ثلاث سنوات.",
            "وقالت الوزيرة في مؤتمر صحفي إن القطارات الجديدة وصلت إلى الميناء، وإن السائقين أنهوا تدريبهم على المحاكيات في ورشة الوزارة.",
            "وأوضحت أن سعر التذكرة لن يتجاوز أربعين جنيهًا، وأن الطلاب وكبار السن سيدفعون نصف القيمة.",
            "من جانبه، رحب اتحاد الركاب بالخطوة، لكنه طالب بزيادة عدد الرحلات في ساعات الذروة.",
            "يذكر أن المشروع كلف خمسة مليارات جنيه، موّل نصفها قرض من بنك التنمية الإقليمي.",
        ),
        "ar",
        ("تذاكر مخفضة", "مطالب الركاب"),
    ),
    Part(
        "انخفاض أسعار الطماطم في أسواق الجملة بعد وفرة المحصول",
        (
            "تراجعت أسعار الطماطم في أسواق الجملة هذا الأسبوع إلى أدنى مستوى لها منذ عامين، وفق ما ذكره تجار لمراسلنا.",
            "وأرجع نقيب الفلاحين صابر الغندور هذا التراجع إلى وفرة المحصول واعتدال الطقس في محافظات الدلتا.",
            "وأضاف أن المزارعين يتكبدون خسائر لأن تكلفة النقل صارت أعلى من ثمن البيع، داعيًا إلى فتح باب التصدير.",
            "وفي المقابل، قال مسؤول في الغرفة التجارية إن الأسعار ستعود إلى الارتفاع مع نهاية الموسم بعد نحو شهر.",
        ),
        "ar",
        ("خسائر المزارعين", "توقعات الموسم"),
    ),
    Part(
        "اكتشاف مقبرة أثرية تعود إلى العصر الروماني جنوب الواحة",
        (
            "كشفت بعثة أثرية محلية عن مقبرة تعود إلى العصر الروماني على بعد عشرة كيلومترات جنوب الواحة، بداخلها رسوم ملونة لم تمسسها يد.",
            "وقال رئيس البعثة الدكتور منير عزام إن العمل بدأ قبل أربعة أشهر، حين لاحظ راعي غنم فتحة صغيرة بين الصخور.",
            "وتضم المقبرة ثلاث غرف منحوتة في الحجر الجيري، عُثر في إحداها على توابيت خشبية وأوان فخارية.",
            "ومن المقرر نقل القطع إلى المتحف القومي لترميمها، على أن تُعرض للجمهور في الربيع المقبل.",
            "ويرى خبراء أن الكشف قد يغير ما هو معروف عن طرق التجارة القديمة عبر الصحراء.",
        ),
        "ar",
        ("ثلاث غرف", "إلى المتحف"),
    ),
    Part(
        "النسور يتأهل إلى نهائي كأس البلاد بركلات الترجيح",
        (
            "تأهل فريق النسور إلى المباراة النهائية لكأس البلاد، عقب فوزه على ضيفه الأمواج بركلات الترجيح بأربعة أهداف مقابل ثلاثة.",
            "وانتهى الوقتان الأصلي والإضافي بالتعادل بهدف لكل فريق، إذ سجل المهاجم رامي الفقي للنسور، وأدرك عماد بدر التعادل في الدقيقة الأخيرة.",
            "وتألق الحارس شادي نعيم بتصديه لركلتين، فحمله زملاؤه على الأعناق وسط هتاف الجماهير.",
            "ويلتقي النسور في النهائي مع الفائز من مباراة الصقور والميناء التي تقام مساء الجمعة.",
        ),
        "ar",
    ),
    Part(
        "أطباء يحذرون من موجة إنفلونزا مبكرة ويدعون إلى التطعيم",
        (
            "حذر أطباء في مستشفى الصدر من موجة إنفلونزا مبكرة هذا الخريف، بعدما تضاعف عدد المرضى في العيادات خلال أسبوعين.",
            "وقالت الطبيبة هناء الصيرفي إن معظم الحالات بين تلاميذ المدارس، وإن أعراضها حمى وسعال يدومان خمسة أيام.",
            "ودعت وزارة الصحة كبار السن والحوامل إلى أخذ اللقاح المتوافر مجانًا في المراكز الصحية.",
            "ونصح الأطباء بتهوية الفصول وغسل اليدين، وبعدم تناول المضادات الحيوية دون وصفة.",
            "وتقول الوزارة إن مخزون اللقاح يكفي مليوني شخص حتى فصل الشتاء.",
        ),
        "ar",
        ("بين التلاميذ", "لقاح مجاني"),
    ),
    Part(
        "مباحثات بين البلدين الجارين لترسيم الحدود البحرية",
        (
            "انطلقت في العاصمة، الأحد، جولة جديدة من المباحثات بين البلدين الجارين لترسيم الحدود البحرية، برعاية الأمم المتحدة.",
            "وذكر بيان مشترك أن الوفدين بحثا خرائط قدمها خبراء محايدون، واتفقا على عقد لقاء آخر الشهر المقبل.",
            'وقال رئيس الوفد السفير نادر القاضي للصحفيين: "الخلاف لم يعد كبيرًا، وما بقي منه تفاصيل فنية".',
            "ويتنازع البلدان منذ عقود على مساحة يعتقد أنها تحوي حقولًا للغاز الطبيعي.",
        ),
        "ar",
    ),
)

ENGLISH = (
    Part(
        "City council approves new cycling network after long debate",
        (
            "The city council voted late on Monday to build a network of protected cycling lanes, ending a debate that had divided residents for two years.",
            "Mayor Helen Ward said the first lanes would open next spring, and that shops along the route would be paid for any lost parking.",
            "Opponents argued that the money should have gone to buses, which carry far more passengers every day.",
            "The plan will cost eleven million pounds, most of it from a national fund for clean air.",
        ),
        "en",
        ("Shops to be paid", "Buses first"),
    ),
    Part(
        "Scientists record deepest living fish in northern trench",
        (
            "A team of marine scientists has filmed a fish swimming more than eight kilometres below the surface, deeper than any recorded before.",
            "The pale snailfish was seen by a camera on an unmanned lander that was dropped into the trench in August.",
            "Professor Ines Calder, who led the expedition, said the animal was close to the limit of what its body can bear.",
            "Samples of water and mud taken at the same depth are now being studied in a laboratory on the coast.",
            "The researchers hope to return next year with a lander that can stay on the sea floor for a month.",
        ),
        "en",
        ("A pale snailfish", "Back next year"),
    ),
    Part(
        "Football club names its youngest ever captain",
        (
            "Rovers have named nineteen-year-old midfielder Tom Alder as captain, the youngest in the history of the club.",
            "Coach Petra Lindqvist told reporters that the dressing room had asked for him, and that his calm impressed everybody.",
            "Alder joined the academy at the age of eight and played his first league match two seasons ago.",
            "He will lead the side for the first time at home to United on Saturday.",
        ),
        "en",
    ),
    Part(
        "Flood warning lifted as river falls below danger level",
        (
            "Officials lifted a flood warning for the lower valley on Sunday after the river fell below its danger level for the first time in a week.",
            "About four hundred families who had been moved to schools and sports halls were told that they could go home.",
            "Engineers are checking two bridges for damage, and one road will stay closed until at least Thursday.",
            "Farmers said that it would take months before their fields could be planted again.",
        ),
        "en",
        ("Bridges checked", "Fields under mud"),
    ),
)

PERSIAN = (
    Part(
        "آغاز ساخت کتابخانه مرکزی شهر در زمین کارخانه قدیمی",
        (
            "شهردار روز دوشنبه اعلام کرد که ساخت کتابخانه مرکزی شهر در زمین کارخانه قدیمی پارچه‌بافی آغاز شده است.",
            "به گفته او این ساختمان پنج طبقه خواهد داشت و تالار مطالعه آن تا پایان سال آینده آماده می‌شود.",
            "معمار طرح می‌گوید دیوارهای آجری کارخانه حفظ خواهد شد تا یاد کارگران زنده بماند.",
        ),
        "fa",
    ),
)
