# Çerçeve
footer = Rally ile çalışıyor
language = Dil
optional = { $label } (isteğe bağlı)
title-error = Hata: { $title }

# Form
email = E-posta adresi
name = Ad
join = Bekleme listesine katıl
choose = Bir seçenek seç
yes = Evet
no = Hayır
leave-empty = Bu alanı boş bırak
friend-invited = Seni bir arkadaşın davet etti
lost-link-ask = Zaten bekleme listesinde misin? Bağlantını yeniden al
privacy = Gizlilik
terms = Koşullar
rewards = Ödüller
leaders = En çok arkadaş getirenler
leader-person = Kişi
leader-friends = Arkadaş
friends-count =
    { $count ->
        [one] { $count } arkadaş
       *[other] { $count } arkadaş
    }
captcha-elsewhere = Bu bekleme listesi, bu sayfanın gösteremediği bir robot denetimi kullanıyor. Bekleme listesinin kendi sitesinden katıl.
captcha-open = Bekleme listesinin sitesine git
work-running = Kısa bir robot denetimi yapılıyor
work-script = Bu bekleme listesi, JavaScript gerektiren bir robot denetimi kullanıyor. JavaScript’i aç ve sayfayı yeniden yükle.
work-secure = Bu bekleme listesi, güvenli bağlantı gerektiren bir robot denetimi kullanıyor. Sayfayı https:// ile başlayan bir adresten aç
sending = Form gönderiliyor
form-unavailable = Form şu anda gösterilemiyor
try-again = Yeniden dene
tab-new = (yeni sekmede açılır)

# Formda değişecekler
errors-title = Bu yanıtları gözden geçir
error-email-missing = E-posta adresini gir
error-email = ad@example.com gibi bir e-posta adresi gir
error-email-taken = Bu adres zaten bekleme listesinde. Başka bir adres gir ya da bağlantını yeniden iste
error-email-disposable = Kullanmayı sürdüreceğin bir adres gir. Bu adres, tek kullanımlık adres veren bir hizmete ait
error-email-no-mail = Başka bir adres gir. Bu adresin alan adı e-posta almıyor
error-email-other = Başka bir adres gir. Bu adres burada kullanılamaz
error-name-missing = Adını gir
error-missing = “{ $label }” alanını doldur
error-choose = “{ $label }” için bir seçenek seç
error-number = “{ $label }” için rakamla bir sayı gir
error-url = “{ $label }” için https://example.com gibi bir web adresi gir
error-field-email = “{ $label }” için ad@example.com gibi bir e-posta adresi gir
error-tel = “{ $label }” için +90 212 000 00 00 gibi bir telefon numarası gir
error-date = “{ $label }” için bir tarih gir
error-long =
    { $max ->
        [one] “{ $label }” yanıtını { $max } karaktere kısalt
       *[other] “{ $label }” yanıtını { $max } karaktere kısalt
    }
error-characters = “{ $label }” için yalnızca harf, rakam ve yaygın işaretler kullan
error-consent = Katılmak için kutuyu işaretle
error-check = Robot denetimi başarısız oldu. Formu yeniden gönder
error-too-fast = Yanıtlarına bir daha bak ve formu yeniden gönder
error-form = Yanıtlarına bir daha bak ve formu yeniden gönder. Bir bölümü kaydedilemedi
error-unavailable = Form gönderilemedi. Biraz sonra yeniden dene
error-too-often =
    { $minutes ->
        [one] Çok sık gönderildi. Bir dakika bekle ve formu yeniden gönder
       *[other] Çok sık gönderildi. { $minutes } dakika bekle ve formu yeniden gönder
    }
error-network = Bağlantı yok. Bağlantını denetle ve formu yeniden gönder

# Formu olmayan bekleme listesi
paused-title = Bu bekleme listesine ara verildi
paused-body = Şu anda kimse katılamıyor. Daha sonra yine gel.
closed-title = Bu bekleme listesi kapandı
closed-body = Artık kimse katılamıyor. Listede olanlar sırasını korur.
full-title = Bu bekleme listesi dolu
full-body = Bütün yerler dolu. Yer açılabileceği için daha sonra yine gel.

# Formdan sonra
mailbox-title = Gelen kutuna bak
mailbox-body = Bağlantı içeren bir e-posta yolda. Sıranı onaylamak için bağlantıyı aç.
mailbox-hours =
    { $hours ->
        [one] Bağlantı { $hours } saat geçerli.
       *[other] Bağlantı { $hours } saat geçerli.
    }
mailbox-days =
    { $days ->
        [one] Bağlantı { $days } gün geçerli.
       *[other] Bağlantı { $days } gün geçerli.
    }
mailbox-spam = Birkaç dakika içinde bir şey gelmezse spam klasörüne bak. Formu yeniden de gönderebilirsin.
form-open = Forma git
form-back = Forma dön

# Kişinin sayfası
joined-title = Bekleme listesindesin
place = Sıran
ahead =
    { $ahead ->
        [0] Önünde kimse yok
        [one] Önünde { $ahead } kişi var
       *[other] Önünde { $ahead } kişi var
    }
total =
    { $total ->
        [one] Bekleme listesinde { $total } kişi var
       *[other] Bekleme listesinde { $total } kişi var
    }
review-waiting = Kaydın onay bekliyor
review-approved = Kaydın onaylandı
rejected-title = Bu kez olmadı
rejected-body = İlgin için teşekkürler. Bu kez sana yer yok.
move-up = Öne geç
move-up-body =
    { $boost ->
        [one] Bağlantınla katılan her arkadaş seni { $boost } sıra öne taşıyabilir.
       *[other] Bağlantınla katılan her arkadaş seni en fazla { $boost } sıra öne taşıyabilir.
    }
invite = Arkadaşlarını davet et
invite-body = Arkadaşların senin bağlantınla katılabilir.
share-link = Arkadaşların için bağlantın
copy = Bağlantıyı kopyala
copied = Kopyalandı
share = Paylaş
share-mail = E-postayla paylaş
share-text = “{ $list }” bekleme listesindeyim. Benim bağlantımla katılabilirsin:
share-closed = Arkadaşların artık katılamaz. Sıran korunur.
share-later = Arkadaşların şu anda katılamaz. Sıran ve onlar için bağlantın korunur.
reward-next =
    { $remaining ->
        [one] { $remaining } arkadaş daha, sonra: { $reward }
       *[other] { $remaining } arkadaş daha, sonra: { $reward }
    }
reward-reached = Kazanıldı
friends = Arkadaşların
friends-none = Bağlantınla henüz kimse katılmadı.
friend-left = Ayrılan bir arkadaş
friend-joined = Katıldı
friend-waiting = Bekliyor
friends-more =
    { $count ->
        [one] Ve { $count } kişi daha
       *[other] Ve { $count } kişi daha
    }
answers = Yanıtların
answers-save = Yanıtları kaydet
saved = Kaydedildi
language-save = Dili kaydet
mail = E-postalar
mail-on = Bu göndericiden e-posta alıyorsun.
mail-off = Bu göndericiden e-posta almıyorsun.
mail-stop = E-posta almayı bırak
mail-start = E-posta al
data = Verilerin
data-body = Seninle ilgili kaydedilen her şey, tek bir dosyada.
data-download = Verilerini indir
joined-on = Katılma
confirmed-on = Adres onayı
own-link = Bu sayfa sana ait. Adresini bilen kişi kaydını değiştirebilir ya da silebilir.
leave = Bekleme listesinden ayrıl

# Ayrılma
leave-title = “{ $list }” listesinden ayrılıyor musun?
leave-body = Sıran, yanıtların ve bağlantın silinir. Bu geri alınamaz.
leave-friends = Bağlantınla katılan arkadaşların sırasını korur.
leave-button = Ayrıl ve verilerimi sil
leave-keep = Sıramı koru
left-title = Bekleme listesinden ayrıldın
left-body = Verilerin silindi. İstediğin zaman yeniden katılabilirsin.

# Onaylama
confirm-title = Kaydını onayla
confirm-body = Ardından bekleme listesindeki sıranı alırsın.
confirm-list = Bekleme listesi
confirm-until = Son onay tarihi
confirm-button = Onayla
confirm-refuse = Bu ben değildim
confirmed-title = Kaydın onaylandı
confirmed-body = Burada yapılacak başka bir şey yok.
page-open = Sayfanı aç
expired-title = Bu bağlantının süresi doldu
expired-body = Yeni bir bağlantı almak için formu yeniden gönder.
refused-title = Kayıt silindi
refused-body = Bu göndericiden artık e-posta almayacaksın.
refuse-title = Sen değil miydin?
refuse-body = O zaman kayıt silinir ve bu göndericiden artık e-posta almazsın.
refuse-button = Kaydı sil
refuse-back = Bendim

# E-postalar
unsubscribe-title = Bu göndericiden e-posta almayı bırakıyor musun?
unsubscribe-body = { $email } adresine, hangi bekleme listesi olursa olsun, bu göndericiden e-posta gelmeyecek. Sıranı korursun.
unsubscribe-button = E-posta almayı bırak
unsubscribed-title = Artık e-posta almayacaksın
unsubscribed-body = Bekleme listesindeki sıranı korursun.

# Kaybolan bağlantı
lost-title = Bağlantını yeniden al
lost-body = Katılırken kullandığın adresi gir. Sayfanın bağlantısı o adrese gider.
lost-button = Bağlantıyı gönder
lost-sent-body = Bu adres bekleme listesindeyse bağlantıyı içeren bir e-posta yolda.

# Bir şey çalışmadığında
not-found-title = Bu adreste bir şey yok
not-found-body = Adres eksik ya da artık geçerli değil. Elindeki en yeni e-postayı aç.
forbidden-title = Bu form başka bir siteye ait
forbidden-body = Bekleme listesinin sayfasını aç ve formu oradan gönder.
method-title = Bu sayfa bunu yapamaz
method-body = Adresi yeniden aç.
gone-title = Bu bağlantının süresi doldu
gone-body = Elindeki en yeni e-postayı aç ya da formu yeniden gönder.
unprocessable-title = Bu olmadı
unprocessable-body = Geri dön, girdiklerine bir daha bak ve yeniden dene.
too-often-title = Çok sık denendi
too-often-body =
    { $minutes ->
        [one] Bir dakika bekle ve yeniden dene.
       *[other] { $minutes } dakika bekle ve yeniden dene.
    }
broken-title = Bu sayfa şu anda gösterilemiyor
broken-body = Hiçbir şey kaybolmadı. Biraz sonra yeniden dene.
request-id = Bununla ilgili sorular için numara

# Sunucunun ilk sayfası
index-title = Rally çalışıyor
index-body = Bu sunucu bekleme listelerini tutar.
index-console = Konsolu aç
index-docs = API belgelerini oku

# Tarihler
first-day = 1
date =
    { $month ->
        [1] { $day } Ocak { $year }
        [2] { $day } Şubat { $year }
        [3] { $day } Mart { $year }
        [4] { $day } Nisan { $year }
        [5] { $day } Mayıs { $year }
        [6] { $day } Haziran { $year }
        [7] { $day } Temmuz { $year }
        [8] { $day } Ağustos { $year }
        [9] { $day } Eylül { $year }
        [10] { $day } Ekim { $year }
        [11] { $day } Kasım { $year }
       *[12] { $day } Aralık { $year }
    }
