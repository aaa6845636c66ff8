# الإطار
footer = يعمل بواسطة Rally
language = اللغة
optional = { $label } (اختياري)
title-error = خطأ: { $title }

# النموذج
email = عنوان البريد الإلكتروني
name = الاسم
join = الانضمام إلى قائمة الانتظار
choose = اختر أحد الخيارات
yes = نعم
no = لا
leave-empty = اترك هذا الحقل فارغًا
friend-invited = دعاك أحد أصدقائك
lost-link-ask = هل أنت في قائمة الانتظار؟ احصل على رابطك من جديد
privacy = سياسة الخصوصية
terms = الشروط
rewards = المكافآت
leaders = من دعوا أكبر عدد من الأصدقاء
leader-person = الشخص
leader-friends = الأصدقاء
friends-count =
    { $count ->
        [zero] لا أصدقاء
        [one] صديق واحد
        [two] صديقان
        [few] { $count } أصدقاء
        [many] { $count } صديقًا
       *[other] { $count } صديق
    }
captcha-elsewhere = تستخدم قائمة الانتظار هذه فحصًا ضد البرامج الآلية لا يمكن لهذه الصفحة عرضه. انضم من موقع قائمة الانتظار.
captcha-open = الذهاب إلى موقع قائمة الانتظار
work-running = يجري فحص قصير ضد البرامج الآلية
work-script = تستخدم قائمة الانتظار هذه فحصًا ضد البرامج الآلية يحتاج إلى JavaScript. فعِّله وأعد تحميل الصفحة.

# ما يلزم تغييره في النموذج
errors-title = راجع هذه الإجابات
error-email-missing = أدخل عنوان بريدك الإلكتروني
error-email = أدخل عنوان بريد إلكتروني مثل name@example.com
error-email-taken = هذا العنوان مسجَّل في قائمة الانتظار. أدخل عنوانًا آخر أو اطلب رابطك من جديد
error-email-disposable = أدخل عنوانًا ستحتفظ به. هذا العنوان من خدمة للعناوين المؤقتة
error-email-no-mail = أدخل عنوانًا آخر. نطاق هذا العنوان لا يستقبل البريد
error-email-other = أدخل عنوانًا آخر. لا يمكن استخدام هذا العنوان هنا
error-name-missing = أدخل اسمك
error-missing = املأ «{ $label }»
error-choose = اختر أحد الخيارات في «{ $label }»
error-number = أدخل عددًا بالأرقام في «{ $label }»
error-url = أدخل عنوان موقع مثل https://example.com في «{ $label }»
error-field-email = أدخل عنوان بريد إلكتروني مثل name@example.com في «{ $label }»
error-tel = أدخل رقم هاتف مثل ‎+966 11 123 4567 في «{ $label }»
error-date = أدخل تاريخًا في «{ $label }»
error-long =
    { $max ->
        [zero] احذف محتوى «{ $label }» (الحد: { $max })
        [one] اختصر «{ $label }» إلى حرف واحد
        [two] اختصر «{ $label }» إلى حرفين
        [few] اختصر «{ $label }» إلى { $max } أحرف
        [many] اختصر «{ $label }» إلى { $max } حرفًا
       *[other] اختصر «{ $label }» إلى { $max } حرف
    }
error-characters = استخدم في «{ $label }» الحروف والأرقام والعلامات الشائعة فقط
error-consent = ضع علامة في المربع للانضمام
error-check = لم ينجح الفحص ضد البرامج الآلية. أرسل النموذج مرة أخرى
error-too-fast = راجع إجاباتك وأرسل النموذج مرة أخرى
error-form = راجع إجاباتك وأرسل النموذج مرة أخرى. تعذَّر حفظ شيء منها
error-unavailable = تعذَّر إرسال النموذج. حاول مرة أخرى بعد قليل
error-too-often = محاولات كثيرة. انتظر دقيقة ثم أرسل النموذج مرة أخرى
error-network = لا يوجد اتصال. تحقق منه وأرسل النموذج مرة أخرى

# قائمة انتظار بلا نموذج
paused-title = قائمة الانتظار هذه متوقفة مؤقتًا
paused-body = لا يمكن لأحد الانضمام الآن. عُد لاحقًا.
closed-title = قائمة الانتظار هذه مغلقة
closed-body = لم يعد بإمكان أحد الانضمام. من هو في القائمة يحتفظ بدوره.
full-title = قائمة الانتظار هذه ممتلئة
full-body = جميع الأماكن مشغولة. عُد لاحقًا، فقد يتوفر مكان.

# بعد النموذج
mailbox-title = تفقَّد بريدك
mailbox-body = رسالة فيها رابط في طريقها إليك. افتح الرابط لتأكيد دورك.
mailbox-hours =
    { $hours ->
        [zero] يعمل الرابط أقل من ساعة.
        [one] يعمل الرابط ساعة واحدة.
        [two] يعمل الرابط ساعتين.
        [few] يعمل الرابط { $hours } ساعات.
        [many] يعمل الرابط { $hours } ساعة.
       *[other] يعمل الرابط { $hours } ساعة.
    }
mailbox-days =
    { $days ->
        [zero] يعمل الرابط أقل من يوم.
        [one] يعمل الرابط يومًا واحدًا.
        [two] يعمل الرابط يومين.
        [few] يعمل الرابط { $days } أيام.
        [many] يعمل الرابط { $days } يومًا.
       *[other] يعمل الرابط { $days } يوم.
    }
mailbox-spam = إذا لم يصل شيء بعد بضع دقائق، فتفقَّد مجلد البريد غير المرغوب فيه. يمكنك أيضًا إرسال النموذج مرة أخرى.
form-open = الذهاب إلى النموذج
form-back = العودة إلى النموذج

# صفحة الشخص
joined-title = أنت في قائمة الانتظار
place = دورك
ahead =
    { $ahead ->
        [0] لا أحد قبلك
        [zero] لا أحد قبلك
        [one] شخص واحد قبلك
        [two] شخصان قبلك
        [few] { $ahead } أشخاص قبلك
        [many] { $ahead } شخصًا قبلك
       *[other] { $ahead } شخص قبلك
    }
total =
    { $total ->
        [zero] لا أحد في قائمة الانتظار
        [one] شخص واحد في قائمة الانتظار
        [two] شخصان في قائمة الانتظار
        [few] { $total } أشخاص في قائمة الانتظار
        [many] { $total } شخصًا في قائمة الانتظار
       *[other] { $total } شخص في قائمة الانتظار
    }
review-waiting = تسجيلك في انتظار الموافقة
review-approved = تمت الموافقة على تسجيلك
rejected-title = ليس هذه المرة
rejected-body = شكرًا لاهتمامك. لا يوجد مكان لك هذه المرة.
move-up = تقدَّم في القائمة
move-up-body =
    { $boost ->
        [zero] يمكن لأصدقائك الانضمام عبر رابطك.
        [one] كل صديق ينضم عبر رابطك قد يقدِّمك مكانًا واحدًا.
        [two] كل صديق ينضم عبر رابطك قد يقدِّمك مكانين كحد أقصى.
        [few] كل صديق ينضم عبر رابطك قد يقدِّمك حتى { $boost } أماكن.
        [many] كل صديق ينضم عبر رابطك قد يقدِّمك حتى { $boost } مكانًا.
       *[other] كل صديق ينضم عبر رابطك قد يقدِّمك حتى { $boost } مكان.
    }
invite = ادعُ أصدقاءك
invite-body = يمكن لأصدقائك الانضمام عبر رابطك.
share-link = رابطك للأصدقاء
copy = نسخ الرابط
copied = تم النسخ
share = مشاركة
share-mail = مشاركة بالبريد
share-text = أنا في قائمة الانتظار «{ $list }». يمكنك الانضمام عبر رابطي:
share-closed = لم يعد بإمكان أصدقائك الانضمام. تحتفظ بدورك.
share-later = لا يمكن لأصدقائك الانضمام الآن. تحتفظ بدورك وبرابطك لهم.
reward-next =
    { $remaining ->
        [zero] وصلت إلى: { $reward }
        [one] بقي صديق واحد للحصول على: { $reward }
        [two] بقي صديقان للحصول على: { $reward }
        [few] بقي { $remaining } أصدقاء للحصول على: { $reward }
        [many] بقي { $remaining } صديقًا للحصول على: { $reward }
       *[other] بقي { $remaining } صديق للحصول على: { $reward }
    }
reward-reached = حصلت عليها
friends = أصدقاؤك
friends-none = لم ينضم أحد عبر رابطك بعد.
friend-left = صديق غادر
friend-joined = انضم
friend-waiting = قيد الانتظار
friends-more =
    { $count ->
        [zero] ولا أحد غيرهم
        [one] وشخص آخر
        [two] وشخصان آخران
        [few] و{ $count } أشخاص آخرين
        [many] و{ $count } شخصًا آخر
       *[other] و{ $count } شخص آخر
    }
answers = إجاباتك
answers-save = حفظ الإجابات
saved = تم الحفظ
language-save = حفظ اللغة
mail = الرسائل
mail-on = تصلك رسائل من هذا المرسل.
mail-off = لا تصلك رسائل من هذا المرسل.
mail-stop = إلغاء الاشتراك في الرسائل
mail-start = تلقي الرسائل
data = بياناتك
data-body = كل ما هو محفوظ عنك، في ملف واحد.
data-download = تنزيل بياناتك
joined-on = تاريخ الانضمام
confirmed-on = تاريخ تأكيد العنوان
own-link = هذه الصفحة لك. من لديه عنوانها يمكنه تغيير تسجيلك أو حذفه.
leave = مغادرة قائمة الانتظار

# المغادرة
leave-title = هل تريد مغادرة «{ $list }»؟
leave-body = سيُحذف دورك وإجاباتك ورابطك. لا يمكن التراجع عن ذلك.
leave-friends = الأصدقاء الذين انضموا عبر رابطك يحتفظون بأدوارهم.
leave-button = المغادرة وحذف بياناتي
leave-keep = الاحتفاظ بدوري
left-title = غادرت قائمة الانتظار
left-body = حُذفت بياناتك. يمكنك الانضمام من جديد في أي وقت.

# التأكيد
confirm-title = أكِّد تسجيلك
confirm-body = بعدها تحصل على دورك في قائمة الانتظار.
confirm-list = قائمة الانتظار
confirm-until = التأكيد حتى
confirm-button = تأكيد
confirm-refuse = لم أكن أنا
confirmed-title = تسجيلك مؤكَّد
confirmed-body = لم يبقَ شيء لتفعله هنا.
page-open = افتح صفحتك
expired-title = انتهت صلاحية هذا الرابط
expired-body = أرسل النموذج مرة أخرى للحصول على رابط جديد.
refused-title = حُذف التسجيل
refused-body = لن تصلك رسائل أخرى من هذا المرسل.
refuse-title = ألم تكن أنت؟
refuse-body = إذن سيُحذف التسجيل، ولن تصلك رسائل أخرى من هذا المرسل.
refuse-button = حذف التسجيل
refuse-back = كنت أنا

# الرسائل
unsubscribe-title = هل تريد إلغاء الاشتراك في رسائل هذا المرسل؟
unsubscribe-body = لن تصل رسائل أخرى من هذا المرسل إلى { $email }، عن أي قائمة انتظار. ستحتفظ بدورك.
unsubscribe-button = إلغاء الاشتراك في الرسائل
unsubscribed-title = لن تصلك رسائل أخرى
unsubscribed-body = ستحتفظ بدورك في قائمة الانتظار.

# رابط مفقود
lost-title = احصل على رابطك من جديد
lost-body = أدخل العنوان الذي انضممت به. سيُرسَل رابط صفحتك إليه.
lost-button = إرسال الرابط
lost-sent-body = إذا كان هذا العنوان في قائمة الانتظار، فرسالة فيها الرابط في طريقها إليه.

# عندما لا يعمل شيء
not-found-title = لا يوجد شيء في هذا العنوان
not-found-body = العنوان غير مكتمل، أو لم يعد صالحًا. افتح أحدث رسالة لديك.
forbidden-title = هذا النموذج يخص موقعًا آخر
forbidden-body = افتح صفحة قائمة الانتظار وأرسل النموذج منها.
method-title = لا يمكن لهذه الصفحة فعل ذلك
method-body = افتح العنوان مرة أخرى.
gone-title = انتهت صلاحية هذا الرابط
gone-body = افتح أحدث رسالة لديك، أو أرسل النموذج مرة أخرى.
unprocessable-title = لم ينجح ذلك
unprocessable-body = عُد إلى الخلف وراجع ما أدخلته وحاول مرة أخرى.
too-often-title = محاولات كثيرة
too-often-body = انتظر دقيقة ثم حاول مرة أخرى.
broken-title = لا يمكن عرض هذه الصفحة الآن
broken-body = لم يُفقد شيء. حاول مرة أخرى بعد قليل.
request-id = رقم للاستفسار عن ذلك

# الصفحة الأولى للخادم
index-title = Rally يعمل
index-body = هذا الخادم يدير قوائم الانتظار.
index-console = فتح لوحة التحكم
index-docs = قراءة توثيق الواجهة البرمجية

# التواريخ
date =
    { $month ->
        [1] { $day } يناير { $year }
        [2] { $day } فبراير { $year }
        [3] { $day } مارس { $year }
        [4] { $day } أبريل { $year }
        [5] { $day } مايو { $year }
        [6] { $day } يونيو { $year }
        [7] { $day } يوليو { $year }
        [8] { $day } أغسطس { $year }
        [9] { $day } سبتمبر { $year }
        [10] { $day } أكتوبر { $year }
        [11] { $day } نوفمبر { $year }
       *[12] { $day } ديسمبر { $year }
    }
